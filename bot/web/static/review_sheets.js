// Counts for how long each contact sheet was on the screen. Sheets that are visible together share the time, because a
// person looks at one after the other. Only a sheet that was seen for long enough can be passed.
"use strict";
(() => {
  const STEP_MS = 200, MAX_STEP_MS = 1000, VISIBLE_SHARE = 0.9;
  const form = document.getElementById("sheets");
  if (!form) return;
  const button = form.querySelector("button"), needed = Number(form.dataset.seconds);
  const visible = new Set();
  const sheets = [...form.querySelectorAll(".sheet")].map((element) => ({
    element, image: element.querySelector("img"), box: element.querySelector("[name=pass]"),
    label: element.querySelector("[data-seen]"), field: element.querySelector("[type=hidden]"), seconds: 0,
  }));
  const observer = new IntersectionObserver((entries) => {
    for (const each of entries) {
      if (each.intersectionRatio >= VISIBLE_SHARE) visible.add(each.target); else visible.delete(each.target);
    }
  }, { threshold: VISIBLE_SHARE });
  for (const each of sheets) observer.observe(each.image);
  // A sheet that is still being drawn shows a placeholder from elsewhere.
  const isDrawn = (image) => image.complete && image.naturalWidth > 0 && image.src.includes("/sheet.jpg");
  const count = () => {
    const ticked = sheets.filter((each) => each.box.checked).length;
    button.disabled = !ticked;
    button.textContent = button.dataset.label.replace("0", ticked);
  };
  let last = performance.now();
  setInterval(() => {
    const now = performance.now(), step = Math.min(now - last, MAX_STEP_MS) / 1000;
    last = now;
    if (document.hidden) return;
    const looked = sheets.filter((each) => each.seconds < needed && visible.has(each.image) && isDrawn(each.image));
    for (const each of looked) {
      each.seconds += step / looked.length;
      each.field.value = each.seconds.toFixed(2);
      if (each.seconds < needed) continue;
      each.box.disabled = false;
      each.box.checked = true;
      each.label.textContent = each.label.dataset.seen;
      each.element.classList.add("sheet--seen");
      count();
    }
  }, STEP_MS);
  form.addEventListener("change", count);
})();
