// The player of one film: reports the time watched, gives verdicts by keyboard, and renews the URL of the film.
"use strict";
(() => {
  const film = document.getElementById("film");
  if (!film) return;
  const form = document.getElementById("verdict-form");
  const speedButton = document.getElementById("double-speed");
  const watchedLabel = document.getElementById("watched");
  const token = JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"];
  const REPORT_EVERY_MS = 5000, MAX_STEP_MS = 1000, SEEK_STEP_S = 5;
  let watched = 0, last = null, sent = 0;

  const playedSeconds = () => {
    let sum = 0;
    for (let i = 0; i < film.played.length; i += 1) sum += film.played.end(i) - film.played.start(i);
    return sum;
  };
  const isPlaying = () => !film.paused && !film.seeking && !film.ended && film.readyState > 2;
  const updateWatched = () => {
    const now = performance.now();
    // After a longer step the phone was asleep and the film was not watched.
    if (last !== null) watched += Math.min(now - last, MAX_STEP_MS) / 1000;
    last = isPlaying() ? now : null;
    watchedLabel.textContent = Math.round(watched) + " s";
    if (form) {
      form.elements.watched.value = watched.toFixed(1);
      form.elements.covered.value = playedSeconds().toFixed(1);
    }
  };
  const reportWatched = () => {
    if (watched === sent) return;
    sent = watched;
    fetch(film.dataset.page + "/looks/" + film.dataset.view, {
      method: "POST", keepalive: true, headers: { "X-CSRFToken": token },
      body: new URLSearchParams({ watched: watched.toFixed(1), covered: playedSeconds().toFixed(1) }),
    }).catch(() => { sent = 0; });
  };
  film.addEventListener("timeupdate", updateWatched);
  for (const name of ["pause", "ended", "seeking", "playing"]) film.addEventListener(name, updateWatched);
  for (const name of ["pause", "ended"]) film.addEventListener(name, reportWatched);
  setInterval(() => { if (isPlaying()) reportWatched(); }, REPORT_EVERY_MS);
  addEventListener("pagehide", reportWatched);
  document.addEventListener("visibilitychange", () => { if (document.hidden) { updateWatched(); last = null; reportWatched(); } });

  // The URL of a film expires after minutes: after a longer pause the player gets a new one and resumes there.
  for (const each of document.querySelectorAll("video[data-page]")) {
    let renewed = 0;
    each.addEventListener("error", async () => {
      if (Date.now() - renewed < 10000) return;
      renewed = Date.now();
      const at = each.currentTime, answer = await fetch(each.dataset.page + "/link");
      if (!answer.ok || answer.redirected) { location.reload(); return; }
      each.src = (await answer.json()).url;
      each.addEventListener("loadedmetadata", () => { each.currentTime = at; each.play().catch(() => {}); }, { once: true });
    });
  }

  const sheet = document.getElementById("contact-sheet");
  sheet.addEventListener("toggle", () => {
    const picture = sheet.querySelector("img");
    if (sheet.open && !picture.src) picture.src = picture.dataset.src;
  });
  const toggleSpeed = () => {
    film.playbackRate = film.playbackRate === 1 ? 2 : 1;
    speedButton.setAttribute("aria-pressed", String(film.playbackRate === 2));
  };
  speedButton.addEventListener("click", toggleSpeed);

  const reasonMissing = document.getElementById("reason-missing");
  if (form) form.addEventListener("submit", (event) => {
    const word = event.submitter && event.submitter.value;
    form.elements.at_s.value = film.currentTime.toFixed(1);
    if (word !== "fit" && !form.elements.reason.value.trim()) {
      event.preventDefault();
      reasonMissing.hidden = false;
      form.elements.reason.focus();
    }
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, button, a, summary, video");
    if (event.ctrlKey || event.metaKey || event.altKey || (typing && typing.tagName !== "VIDEO")) return;
    const button = form && form.querySelector('[aria-keyshortcuts="' + event.key + '"]');
    if (button) { form.requestSubmit(button); }
    else if (event.key === " ") { if (film.paused) film.play(); else film.pause(); }
    else if (event.key === "ArrowRight") film.currentTime += SEEK_STEP_S;
    else if (event.key === "ArrowLeft") film.currentTime -= SEEK_STEP_S;
    else if (event.key === "2x" || event.key === "x") toggleSpeed();
    else return;
    event.preventDefault();
  });
})();
