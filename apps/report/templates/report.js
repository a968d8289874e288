"use strict";
// One cursor over all time charts, sortable tables, and everything opened for print.
(() => {
  const panels = new Map(JSON.parse(document.getElementById("panels").textContent).map((panel) => [panel.key, panel]));
  const charts = [...document.querySelectorAll(".timechart")];

  const nearest = (points, seconds) => {
    let low = 0, high = points.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (points[middle][0] < seconds) low = middle + 1; else high = middle;
    }
    return low > 0 && seconds - points[low - 1][0] < points[low][0] - seconds ? points[low - 1] : points[low];
  };
  const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  const number = (value, decimals) => value.toLocaleString("en-GB", { maximumFractionDigits: decimals });

  const readout = (element, seconds) => {
    const panel = panels.get(element.dataset.panel);
    element.querySelectorAll("output").forEach((output, index) => {
      const points = panel.lines[index];
      const point = seconds === null || !points.length ? null : nearest(points, seconds);
      output.textContent = point && point[1] !== null ? `${number(point[1], panel.decimals)} ${panel.unit}` : "";
    });
  };
  const point = (share) => charts.forEach((chart) => {
    const seconds = share === null ? null : share * Number(chart.dataset.seconds);
    chart.classList.toggle("pointed", share !== null);
    chart.querySelectorAll(".cursor, .now").forEach((mark) => {
      mark.hidden = share === null;
      mark.style.left = `${100 * share}%`;
      if (mark.className === "now" && share !== null) mark.textContent = clock(seconds);
    });
    chart.querySelectorAll(".panel").forEach((panel) => readout(panel, seconds));
  });
  document.querySelectorAll(".plot").forEach((plot) => {
    plot.addEventListener("pointermove", (event) => {
      const box = plot.getBoundingClientRect();
      point(Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1));
    });
    plot.addEventListener("pointerleave", () => point(null));
  });

  const cellValue = (row, column) => {
    const figure = row.cells[column].querySelector("[data-value]");
    return figure ? Number(figure.dataset.value) : row.cells[column].textContent.trim();
  };
  const sortBy = (table, column, heading) => {
    const descending = heading.getAttribute("aria-sort") !== "descending";
    table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const order = (one, other) => (one < other ? -1 : one > other ? 1 : 0) * (descending ? -1 : 1);
    const rows = [...table.tBodies[0].rows].sort((one, other) => order(cellValue(one, column), cellValue(other, column)));
    table.tBodies[0].append(...rows);
  };
  document.querySelectorAll("table.sortable").forEach((table) => {
    table.querySelectorAll("th:not(.strip-head)").forEach((heading, column) => {
      const button = document.createElement("button");
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => sortBy(table, column, heading));
    });
  });

  const openTarget = () => {
    const target = location.hash.startsWith("#trace-") && document.getElementById(location.hash.slice(1));
    if (target) target.open = true;
  };
  addEventListener("hashchange", openTarget);
  openTarget();
  addEventListener("beforeprint", () => document.querySelectorAll("details.trace").forEach((trace) => { trace.open = true; }));
})();
