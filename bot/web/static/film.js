// The player of one film: says how long it really ran, hands out verdicts by keyboard, and renews its link by itself.
"use strict";
(() => {
  const film = document.getElementById("film");
  if (!film) return;
  const form = document.getElementById("judging");
  const twice = document.getElementById("twice");
  const told = document.getElementById("watched");
  const token = JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"];
  const BEAT_MS = 5000, LONGEST_STEP_MS = 1000, STEP_S = 5;
  let watched = 0, last = null, sent = 0;

  const covered = () => {
    let sum = 0;
    for (let i = 0; i < film.played.length; i += 1) sum += film.played.end(i) - film.played.start(i);
    return sum;
  };
  const running = () => !film.paused && !film.seeking && !film.ended && film.readyState > 2;
  const count = () => {
    const now = performance.now();
    // A step longer than this is a phone that slept, not somebody who watched.
    if (last !== null) watched += Math.min(now - last, LONGEST_STEP_MS) / 1000;
    last = running() ? now : null;
    told.textContent = Math.round(watched) + " s";
    if (form) {
      form.elements.watched.value = watched.toFixed(1);
      form.elements.covered.value = covered().toFixed(1);
    }
  };
  const tell = () => {
    if (watched === sent) return;
    sent = watched;
    fetch(film.dataset.page + "/looks/" + film.dataset.look, {
      method: "POST", keepalive: true, headers: { "X-CSRFToken": token },
      body: new URLSearchParams({ watched: watched.toFixed(1), covered: covered().toFixed(1) }),
    }).catch(() => { sent = 0; });
  };
  film.addEventListener("timeupdate", count);
  for (const name of ["pause", "ended", "seeking", "playing"]) film.addEventListener(name, count);
  for (const name of ["pause", "ended"]) film.addEventListener(name, tell);
  setInterval(() => { if (running()) tell(); }, BEAT_MS);
  addEventListener("pagehide", tell);
  document.addEventListener("visibilitychange", () => { if (document.hidden) { count(); last = null; tell(); } });

  // A link lives for minutes: who comes back after a pause gets a new one and goes on where he was.
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

  const sheet = document.getElementById("sheet");
  sheet.addEventListener("toggle", () => {
    const picture = sheet.querySelector("img");
    if (sheet.open && !picture.src) picture.src = picture.dataset.src;
  });
  const speed = () => {
    film.playbackRate = film.playbackRate === 1 ? 2 : 1;
    twice.setAttribute("aria-pressed", String(film.playbackRate === 2));
  };
  twice.addEventListener("click", speed);

  const wanted = document.getElementById("wanted");
  if (form) form.addEventListener("submit", (event) => {
    const word = event.submitter && event.submitter.value;
    form.elements.at_s.value = film.currentTime.toFixed(1);
    if (word !== "fit" && !form.elements.reason.value.trim()) {
      event.preventDefault();
      wanted.hidden = false;
      form.elements.reason.focus();
    }
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, button, a, summary, video");
    if (event.ctrlKey || event.metaKey || event.altKey || (typing && typing.tagName !== "VIDEO")) return;
    const button = form && form.querySelector('[aria-keyshortcuts="' + event.key + '"]');
    if (button) { form.requestSubmit(button); }
    else if (event.key === " ") { if (film.paused) film.play(); else film.pause(); }
    else if (event.key === "ArrowRight") film.currentTime += STEP_S;
    else if (event.key === "ArrowLeft") film.currentTime -= STEP_S;
    else if (event.key === "2x" || event.key === "x") speed();
    else return;
    event.preventDefault();
  });
})();
