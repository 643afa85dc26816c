// Reviewing without waiting: the next film is fetched while this one plays, and shown as soon as the verdict is stored.
"use strict";
(() => {
  const PREFETCH_AFTER_MS = 3000;
  const token = JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"];
  const toast = document.getElementById("toast");
  let next = null, isSending = false;

  const watchToast = () => {
    const form = toast.querySelector(".toast");
    if (form) setTimeout(() => form.remove(), form.dataset.seconds * 1000);
  };
  const play = (film) => film.play().catch((error) => {
    // Phones may not start a film with sound by themselves.
    if (error.name !== "NotAllowedError") return;
    film.muted = true;
    film.play().catch(() => {});
  });

  // A film fetched ahead has no view yet: it counts as opened only when it is shown.
  const prefetch = async (view) => {
    const answer = await fetch(view.dataset.page + "/next", { method: "POST", headers: { "X-CSRFToken": token } });
    if (answer.status !== 200 || answer.redirected || !view.isConnected) return;
    const part = document.createElement("template");
    part.innerHTML = await answer.text();
    next = document.importNode(part.content.querySelector("#film-view"), true);
    next.querySelector("#film").preload = "auto";
  };
  const begin = (view) => {
    const film = view.querySelector("#film"), form = view.querySelector("#verdict-form");
    if (!form || !form.elements.reviewing) return;
    let isDone = false;
    const fetchNext = () => { if (!isDone) { isDone = true; prefetch(view).catch(() => {}); } };
    film.addEventListener("canplay", fetchNext, { once: true });
    setTimeout(fetchNext, PREFETCH_AFTER_MS);
    play(film);
  };

  const show = (answer) => {
    const old = document.getElementById("film-view"), film = old.querySelector("#film"), view = next;
    next = null;
    const shown = view.querySelector("#film");
    shown.dataset.view = answer.view;
    view.querySelector("#verdict-form").elements.look.value = answer.view;
    old.replaceWith(view);
    film.pause();
    film.removeAttribute("src");
    film.load();
    toast.innerHTML = answer.toast;
    watchToast();
    history.replaceState(null, "", answer.url);
    document.title = view.dataset.title;
    scrollTo(0, 0);
    view.dispatchEvent(new CustomEvent("film-shown", { bubbles: true }));
    begin(view);
    document.getElementById("main").focus({ preventScroll: true });
  };
  const send = async (form, word, fail) => {
    const fields = new URLSearchParams(new FormData(form));
    fields.set("word", word);
    fields.set("prefetched", next ? next.dataset.page : "");
    let response;
    try {
      response = await fetch(form.action, { method: "POST", headers: { Accept: "application/json" }, body: fields });
    } catch { return fail(form.querySelector("#verdict-error").dataset.unreachable); }
    if (response.redirected) return location.reload();  // signed out meanwhile
    if (!response.ok) return fail(await response.text());
    const answer = await response.json();
    if (answer.view && next) show(answer); else location.assign(answer.url);
  };

  document.addEventListener("submit", (event) => {
    const form = event.target, word = event.submitter && event.submitter.value;
    if (form.id !== "verdict-form") return;
    const error = form.querySelector("#verdict-error"), chips = [...form.querySelectorAll(".chip input")];
    const fail = (text) => {
      error.textContent = text;
      error.hidden = false;
      error.scrollIntoView({ block: "center" });
    };
    if (isSending) { event.preventDefault(); return; }
    if (word !== "fit" && !form.elements.reason.value.trim() && !chips.some((each) => each.checked)) {
      event.preventDefault();
      fail(error.dataset.reasonRequired);
      chips[0].focus();
    } else if (form.elements.reviewing) {
      event.preventDefault();
      isSending = true;
      send(form, word, fail).finally(() => { isSending = false; });
    }
  });
  watchToast();
  const shown = document.getElementById("film-view");
  if (shown) begin(shown);
})();
