// The player of one film: reports the time watched, answers the keyboard, and renews the URL of the film.
// The review replaces the film on the screen by the next one: it then fires "film-shown" on the new part of the page.
"use strict";
(() => {
  const REPORT_EVERY_MS = 5000, MAX_STEP_MS = 1000, SEEK_STEP_S = 5;
  const token = JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"];
  let speed = 1, player = null;

  // The URL of a film expires after minutes: after a longer pause the player gets a new one and resumes there.
  const renewOnError = (video) => {
    let renewed = 0;
    video.addEventListener("error", async () => {
      if (!video.isConnected || Date.now() - renewed < 10000) return;
      renewed = Date.now();
      const at = video.currentTime, answer = await fetch(video.dataset.page + "/link");
      if (!answer.ok || answer.redirected) { location.reload(); return; }
      video.src = (await answer.json()).url;
      video.addEventListener("loadedmetadata", () => { video.currentTime = at; video.play().catch(() => {}); }, { once: true });
    });
  };

  const attach = (view) => {
    const film = view.querySelector("#film"), form = view.querySelector("#verdict-form");
    const speedButton = view.querySelector("#double-speed"), watchedLabel = view.querySelector("#watched");
    let watched = 0, last = null, sent = 0;

    const playedSeconds = () => {
      let sum = 0;
      for (let i = 0; i < film.played.length; i += 1) sum += film.played.end(i) - film.played.start(i);
      return sum;
    };
    const isPlaying = () => !film.paused && !film.seeking && !film.ended && film.readyState > 2;
    const update = () => {
      const now = performance.now();
      // After a longer step the phone was asleep and the film was not watched.
      if (last !== null) watched += Math.min(now - last, MAX_STEP_MS) / 1000;
      last = isPlaying() ? now : null;
      watchedLabel.textContent = Math.round(watched) + " s";
      if (form) {
        form.elements.watched.value = watched.toFixed(1);
        form.elements.covered.value = playedSeconds().toFixed(1);
        form.elements.at_s.value = film.currentTime.toFixed(1);
      }
    };
    const report = () => {
      if (watched === sent) return;
      sent = watched;
      fetch(film.dataset.page + "/looks/" + film.dataset.view, {
        method: "POST", keepalive: true, headers: { "X-CSRFToken": token },
        body: new URLSearchParams({ watched: watched.toFixed(1), covered: playedSeconds().toFixed(1) }),
      }).catch(() => { sent = 0; });
    };
    const setSpeed = () => {
      film.playbackRate = speed;
      speedButton.setAttribute("aria-pressed", String(speed === 2));
    };
    film.addEventListener("timeupdate", update);
    for (const name of ["pause", "ended", "seeking", "playing"]) film.addEventListener(name, update);
    for (const name of ["pause", "ended"]) film.addEventListener(name, report);
    view.querySelectorAll("video[data-page]").forEach(renewOnError);
    const sheet = view.querySelector("#contact-sheet");
    sheet.addEventListener("toggle", () => {
      const picture = sheet.querySelector("img");
      if (sheet.open && !picture.src) picture.src = picture.dataset.src;
    });
    const toggleSpeed = () => { speed = speed === 1 ? 2 : 1; setSpeed(); };
    speedButton.addEventListener("click", toggleSpeed);
    setSpeed();
    return { view, film, isPlaying, update, report, toggleSpeed, sleep: () => { update(); last = null; report(); } };
  };

  document.addEventListener("film-shown", (event) => { player = attach(event.target); });
  setInterval(() => { if (player && player.isPlaying()) player.report(); }, REPORT_EVERY_MS);
  addEventListener("pagehide", () => { if (player) player.report(); });
  document.addEventListener("visibilitychange", () => { if (document.hidden && player) player.sleep(); });
  document.addEventListener("keydown", (event) => {
    if (!player || event.ctrlKey || event.metaKey || event.altKey) return;
    const box = event.target.closest("input, textarea, select");
    if (box && box.type !== "checkbox") {
      // Enter in the reason must not give the verdict of the first button.
      if (box.name === "reason" && (event.key === "Enter" || event.key === "Escape")) { event.preventDefault(); box.blur(); }
      return;
    }
    const film = player.film, key = event.key.toLowerCase();
    const control = document.querySelector('#toast [aria-keyshortcuts="' + CSS.escape(key) + '"], #film-view [aria-keyshortcuts="' + CSS.escape(key) + '"]');
    if (control) control.click();
    else if (event.target.closest("button, a, summary, input") && (key === " " || key === "enter")) return;
    else if (key === " ") { if (film.paused) film.play(); else film.pause(); }
    else if (key === "arrowright") film.currentTime += SEEK_STEP_S;
    else if (key === "arrowleft") film.currentTime -= SEEK_STEP_S;
    else if (key === "x") player.toggleSpeed();
    else return;
    event.preventDefault();
  });
  const shown = document.getElementById("film-view");
  if (shown) player = attach(shown);
})();
