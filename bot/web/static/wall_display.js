// The status line of the board, and the full-screen wall display, which keeps the screen on.
(() => {
  "use strict";
  const status = document.querySelector("#live [role=status]");
  const setConnected = (on) => {
    const text = on ? status.dataset.on : status.dataset.off;
    if (status.textContent !== text) status.textContent = text;
    status.classList.toggle("live--off", !on);
  };
  // The board itself polls (htmx); its answers tell whether the server is there.
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt.id === "board") setConnected(event.detail.successful);
  });
  setConnected(true);

  // A note that a user is writing is not replaced by the next refresh of the alerts.
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    const isRefresh = event.detail.elt.id === "alerts" && event.detail.requestConfig.verb === "get";
    if (isRefresh && document.activeElement.closest("#alerts form")) event.preventDefault();
  });

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
