"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const drawn = new Set();

  function themed(figure, isDark) {
    const text = isDark ? "#e8eaed" : "#1b1f24", grid = isDark ? "#363c44" : "#d9dee4";
    const layout = { ...figure.layout, font: { color: text, size: 13 }, hoverlabel: { font: { size: 13 } } };
    for (const name of ["xaxis", "yaxis"]) {
      layout[name] = { gridcolor: grid, linecolor: grid, zerolinecolor: grid, fixedrange: true, ...layout[name] };
    }
    const data = figure.data.map(trace => trace.texttemplate ? { ...trace, textfont: { color: text } } : trace);
    return [data, layout];
  }

  function draw(place, isDark = dark.matches) {
    drawn.add(place);
    const [data, layout] = themed(figures[Number(place.dataset.figure)], isDark);
    Plotly.react(place, data, layout, { responsive: true, displaylogo: false, displayModeBar: false });
  }

  async function loadPlotly() {
    const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), c => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
    if (!window.Plotly) throw new Error("plotly.js did not start");
  }

  async function charts() {
    const places = all(".chart");
    if (!places.length) return;
    await loadPlotly();
    all("details.numbers").forEach(numbers => { numbers.open = false; });
    const watch = new IntersectionObserver(seen => seen.filter(s => s.isIntersecting).forEach(s => {
      watch.unobserve(s.target);
      draw(s.target);
    }), { rootMargin: "800px" });
    places.forEach(place => watch.observe(place));
    dark.addEventListener("change", () => drawn.forEach(place => draw(place)));
    addEventListener("beforeprint", () => places.forEach(place => draw(place, false)));
    addEventListener("afterprint", () => drawn.forEach(place => draw(place)));
  }

  const valueOf = (row, i) => {
    const cell = row.cells[i];
    return cell.dataset.sort === undefined ? cell.textContent.trim() : Number(cell.dataset.sort);
  };
  const compare = (a, b) => typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });

  function sortBy(header) {
    const table = header.closest("table"), body = table.tBodies[0], i = header.cellIndex;
    const down = header.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    all("th", table.tHead).forEach(other => other.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", down < 0 ? "descending" : "ascending");
    body.append(...[...body.rows].sort((a, b) => down * compare(valueOf(a, i), valueOf(b, i))));
  }

  function tables() {
    all("table.sortable").forEach(table => {
      table.classList.add("live");
      all("th", table.tHead).forEach(header => {
        header.tabIndex = 0;
        header.addEventListener("click", () => sortBy(header));
        header.addEventListener("keydown", event => { if (event.key === "Enter") sortBy(header); });
      });
    });
  }

  function filter() {
    const rows = all("#verdicts tr[data-outcome]"), box = document.querySelector(".filter");
    if (!box) return;
    box.hidden = false;
    const show = wanted => {
      rows.forEach(row => { row.hidden = wanted !== "all" && row.dataset.outcome !== wanted; });
      document.getElementById("shown").textContent = `${rows.filter(row => !row.hidden).length} of ${rows.length}`;
    };
    box.addEventListener("change", event => show(event.target.value));
    show("all");
  }

  tables();
  filter();
  charts().catch(error => {
    console.error(error);
    document.getElementById("no-charts").hidden = false;
    all("details.numbers").forEach(numbers => { numbers.open = true; });
  });
})();
