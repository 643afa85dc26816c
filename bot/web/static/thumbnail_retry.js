// Reloads a thumbnail that the server was too busy to make.
"use strict";
document.addEventListener("error", (event) => {
  const picture = event.target, tries = Number(picture.dataset.tries || 0);
  if (picture.tagName !== "IMG" || tries >= 5) return;
  picture.dataset.tries = String(tries + 1);
  setTimeout(() => { picture.src = picture.src; }, 2000 * (tries + 1));
}, true);
