// The status line of the board, refreshes that leave people's input alone, and the full-screen wall display.
(() => {
  "use strict";
  const status = document.querySelector("#live [role=status]");
  const setConnected = (on) => {
    const text = on ? status.dataset.on : status.dataset.off;
    if (status.textContent !== text) status.textContent = text;
    status.classList.toggle("live--off", !on);
  };
  // The board itself polls (htmx); its answers tell whether the server is there.
  const follow = (name, on) => document.body.addEventListener(name, (event) => {
    if (event.detail.elt.id === "board") setConnected(on(event.detail));
  });
  follow("htmx:afterOnLoad", (detail) => detail.xhr.status < 400);
  for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) follow(name, () => false);
  setConnected(true);

  // A refresh changes only what differs: it neither folds what a user opened nor erases what a user typed.
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, element) =>
    !(name === "open" && element.matches("details")) && !(name === "value" && element.matches("input"));
  document.body.addEventListener("htmx:afterRequest", (event) => {
    const { elt, successful, requestConfig } = event.detail;
    if (successful && requestConfig.verb === "post") elt.closest("form")?.reset();
  });
  // Letters that an input method has not yet made into characters are not searched for.
  const filter = document.getElementById("filter");
  filter.addEventListener("input", (event) => { if (event.isComposing) event.stopImmediatePropagation(); }, true);
  filter.addEventListener("compositionend", (event) => event.target.dispatchEvent(new Event("input", { bubbles: true })));

  setInterval(() => {
    for (const each of document.querySelectorAll(".countdown")) {
      const left = Math.max(0, Number(each.dataset.seconds) - 1);
      each.dataset.seconds = left;
      each.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    }
  }, 1000);

  // On a wall the tiles share the screen: as many columns as give tiles about twice as wide as high.
  const root = document.documentElement;
  const fitWall = () => {
    const tiles = document.querySelector(".page--wall .tiles");
    if (!tiles) return;
    const { width, height } = document.getElementById("board").getBoundingClientRect();
    const columns = Math.max(1, Math.round(Math.sqrt((tiles.children.length * width) / height / 1.8)));
    root.style.setProperty("--wall-columns", columns);
    root.style.setProperty("--wall-rows", Math.ceil(tiles.children.length / columns));
  };
  new ResizeObserver(fitWall).observe(document.getElementById("summary").parentElement);
  document.body.addEventListener("htmx:afterSettle", fitWall);
  fitWall();

  const button = document.getElementById("fullscreen");
  if (!root.requestFullscreen) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (document.fullscreenElement) return document.exitFullscreen();
    await root.requestFullscreen();
    document.body.classList.add("page--wall");
    fitWall();
    if ("wakeLock" in navigator) navigator.wakeLock.request("screen").catch(() => {});
  });
  document.addEventListener("fullscreenchange", () => {
    if (!document.fullscreenElement && !location.search.includes("wall")) document.body.classList.remove("page--wall");
  });
})();
