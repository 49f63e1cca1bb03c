// What of Apache ECharts a page needs. `regenerate.sh` bundles it into echarts.treemap.min.js.
import { init, use } from "echarts/core";
import { TreemapChart } from "echarts/charts";
import { TooltipComponent } from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";

use([TreemapChart, TooltipComponent, CanvasRenderer]);

export { init };
export { getInstanceByDom } from "echarts/core";
