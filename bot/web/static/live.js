// The board that keeps itself up to date: told by the server that the night has changed, it asks for it again.
(() => {
  "use strict";
  const container = document.getElementById("live");
  if (!container) return;
  const status = container.querySelector("[role=status]");
  // A hundred browsers hear it at the same instant and do not all ask at once.
  const SPREAD_MS = 1500;
  let waiting = false;
  const setConnected = (on) => {
    const words = on ? status.dataset.on : status.dataset.off;
    if (status.textContent !== words) status.textContent = words;
    status.classList.toggle("live--off", !on);
  };
  const scheduleRefresh = () => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      htmx.trigger(document.body, "night-changed");
    }, Math.random() * SPREAD_MS);
  };
  const source = new EventSource(container.dataset.live);
  source.addEventListener("open", () => setConnected(true));
  source.addEventListener("error", () => setConnected(false));
  source.addEventListener("tonight", (event) => {
    const board = document.getElementById("board");
    if (board && board.dataset.version !== event.data) scheduleRefresh();
  });
  window.addEventListener("pagehide", () => source.close());

  // On a wall: nothing but the board, and the screen stays on.
  const button = document.getElementById("fullscreen");
  const root = document.documentElement;
  if (!button || !root.requestFullscreen) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (document.fullscreenElement) return document.exitFullscreen();
    await root.requestFullscreen();
    document.body.classList.add("page--wall");
    if ("wakeLock" in navigator) navigator.wakeLock.request("screen").catch(() => {});
  });
  document.addEventListener("fullscreenchange", () => {
    if (!document.fullscreenElement && !location.search.includes("wall")) document.body.classList.remove("page--wall");
  });
})();
