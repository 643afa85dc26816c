// Draws every <figure class="chart" data-chart='{ECharts option as JSON}' aria-label="…"> of a page.
// Load it after echarts.min.js, on pages that have charts only.
(() => {
  "use strict";
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const shared = {
    // Tooltips on the canvas: as HTML they need inline styles, which the Content-Security-Policy forbids.
    tooltip: { renderMode: "richText", confine: true },
    aria: { enabled: true },
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    backgroundColor: "transparent",
  };
  const drawn = new Map();
  const draw = (figure) => {
    drawn.get(figure)?.dispose();
    const option = JSON.parse(figure.dataset.chart);
    const chart = echarts.init(figure, dark.matches ? "dark" : null, { renderer: "canvas" });
    chart.setOption({ ...shared, ...option, tooltip: { ...shared.tooltip, ...option.tooltip } });
    // A data item can have an `href`: a click on it opens that page.
    chart.on("click", (point) => {
      if (point.data && typeof point.data.href === "string" && point.data.href.startsWith("/")) location.assign(point.data.href);
    });
    drawn.set(figure, chart);
  };
  const all = () => document.querySelectorAll("figure.chart[data-chart]").forEach(draw);
  all();
  dark.addEventListener("change", all);
  addEventListener("resize", () => drawn.forEach((chart) => chart.resize()));
  document.addEventListener("htmx:afterSwap", all);
})();
