// Checks the boxes of all films of a form, or clears them when all are checked.
"use strict";
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-check-all]");
  if (!button) return;
  const form = document.getElementById(button.dataset.checkAll);
  const boxes = [...form.elements].filter((each) => each.type === "checkbox");
  const checked = !boxes.every((each) => each.checked);
  boxes.forEach((each) => { each.checked = checked; });
});
