// A session that ended while a form was filled in: signing in happens on top of it, then it is sent as it was typed.
// And a word before a session ends by itself.
import { announce } from "./main.js";

const WARN_S = 120;
// A timer cannot be set further ahead than that.
const LONGEST_MS = 2 ** 31 - 1;

export function installSession() {
  const meta = document.querySelector('meta[name="session-left"]');
  if (!meta) return;
  const reader = meta.dataset.user;
  let dialog = null;

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.method !== "post" || form.dataset.alive !== undefined || dialog?.contains(form) || !holdsText(form)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { submitter } = event;
    const state = await look();
    if (!state || state.user === reader) send(form, submitter, state);
    else askToSignIn(form, submitter);
  }, { capture: true });

  // What took somebody a while to enter; a button alone is sent at once.
  function holdsText(form) {
    return [...form.elements].some((field) => field.matches("textarea, select, input:not([type=hidden], [type=checkbox], [type=radio])"));
  }

  // Back from the cache of pages: what is sent now is looked at again.
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-alive]")) delete form.dataset.alive;
  });

  async function look() {
    const answer = await fetch("/session", { cache: "no-store" }).catch(() => null);
    return answer?.ok ? answer.json() : null;
  }

  function send(form, submitter, state) {
    if (state?.csrf) {
      for (const field of document.querySelectorAll("input[name=csrf]")) field.value = state.csrf;
      document.querySelector('meta[name="csrf-token"]').content = state.csrf;
    }
    form.dataset.alive = "";
    form.requestSubmit(submitter ?? undefined);
    // Refused by the browser's own checks: the next try is looked at again.
    if (form.dataset.sent === undefined) delete form.dataset.alive;
  }

  async function askToSignIn(form, submitter) {
    dialog?.remove();
    dialog = document.createElement("dialog");
    dialog.setAttribute("aria-labelledby", "sign-in-title");
    document.body.append(dialog);
    await fill(await fetch("/login?ended=1"));
    dialog.showModal();
    dialog.querySelector("input:not([type=hidden])")?.focus();
    dialog.addEventListener("submit", async (event) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      const sent = event.target;
      await fill(await fetch(sent.action, { method: "POST", body: new URLSearchParams(new FormData(sent)) }));
      const state = await look();
      if (!state?.user) return;
      dialog.close();
      // Somebody else signed in: what they may see is another page.
      if (state.user !== reader) location.assign("/");
      else send(form, submitter, state);
    }, { capture: true });
  }

  async function fill(answer) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const form = page.querySelector("main form.form");
    if (!form) return;
    const title = page.querySelector("main h1");
    if (title) title.id = "sign-in-title";
    const parts = [title, page.querySelector("main .banner"), form].filter(Boolean);
    dialog.replaceChildren(...parts.map((part) => document.importNode(part, true)));
  }

  const left = Number(meta.content) * 1000;
  const warn = left - WARN_S * 1000;
  if (warn < LONGEST_MS) setTimeout(warnOfTheEnd, Math.max(warn, 0));

  function warnOfTheEnd() {
    const toast = document.getElementById("session-ends").content.firstElementChild.cloneNode(true);
    toast.querySelector("button").addEventListener("click", async () => {
      const answer = await fetch("/session", {
        method: "POST", headers: { "X-CSRF-Token": document.querySelector('meta[name="csrf-token"]').content },
      }).catch(() => null);
      toast.remove();
      if (answer?.ok) {
        announce(toast.dataset.done);
        const longer = Number((await answer.json()).left) * 1000 - WARN_S * 1000;
        if (longer < LONGEST_MS) setTimeout(warnOfTheEnd, Math.max(longer, 1000));
      }
    });
    document.getElementById("toasts").append(toast);
  }
}
