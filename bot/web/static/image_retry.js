// An image that the server is still making (202, no image yet) is shown as a placeholder and asked for again.
"use strict";
(() => {
  const placeholder = document.currentScript.dataset.placeholder, MAX_TRIES = 20, MAX_PAUSE_MS = 5000;
  document.addEventListener("error", (event) => {
    const image = event.target, tries = Number(image.dataset.tries || 0), wanted = image.src;
    if (image.tagName !== "IMG" || tries >= MAX_TRIES) return;
    image.dataset.tries = String(tries + 1);
    image.src = placeholder;
    setTimeout(() => { image.src = wanted; }, Math.min(1000 * (tries + 1), MAX_PAUSE_MS));
  }, true);
})();
