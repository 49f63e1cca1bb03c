// What of Apache ECharts a page needs. `regenerate.sh` bundles it into echarts.treemap.min.js.
import { init, use } from "echarts/core";
import { TreemapChart } from "echarts/charts";
import { AriaComponent, TooltipComponent } from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";

use([TreemapChart, TooltipComponent, AriaComponent, CanvasRenderer]);

export { init };
export { getInstanceByDom } from "echarts/core";
