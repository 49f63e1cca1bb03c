#!/usr/bin/env bash
# Makes echarts.treemap.min.js again from the versions that package.json pins, with the npm client of this machine.
# Only for who changes them: the file is kept here, so neither a build nor a test needs npm. What it makes has the same
# bytes every time; VERSION holds their sha256.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$here/package.json" "$here/chart.js" "$work"
cd "$work"
npm install --no-audit --no-fund --no-package-lock --ignore-scripts >&2
npx --no-install esbuild chart.js --bundle --minify --format=iife --global-name=echarts --legal-comments=none \
  --target=es2020 --charset=ascii --outfile="$here/echarts.treemap.min.js" >&2

{
  cat node_modules/echarts/LICENSE
  printf '\n\n======== d3, parts of it inside Apache ECharts ========\n\n'
  cat node_modules/echarts/licenses/LICENSE-d3
  printf '\n\n======== zrender, which draws for Apache ECharts ========\n\n'
  cat node_modules/zrender/LICENSE
  printf '\n\n======== tslib ========\n\n'
  cat node_modules/tslib/LICENSE.txt
} >"$here/LICENSE"
cp node_modules/echarts/NOTICE "$here/NOTICE"

cd "$here"
{
  for package in echarts zrender tslib esbuild; do
    printf '%s %s\n' "$package" "$(node -p "require('$work/node_modules/$package/package.json').version")"
  done
  printf 'sha256 %s\n' "$(sha256sum echarts.treemap.min.js | cut -d ' ' -f 1)"
} >VERSION
cat VERSION
