// Links with data-dialog open their page's <main> in the page's dialog; without script they are ordinary links.

export function installDialogs() {
  const dialog = document.getElementById("dialog");
  if (!dialog) return;
  let opener = null;

  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-dialog]");
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    const menu = link.closest("details.menu");
    if (menu) menu.open = false;
    opener = menu?.querySelector("summary") ?? link;
    await show(link.href);
  });

  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-cancel]")) {
      event.preventDefault();
      dialog.close();
    }
  });
  dialog.addEventListener("close", () => {
    dialog.replaceChildren();
    opener?.focus();
  });

  async function show(address) {
    const answer = await fetch(address, { headers: { "X-Dialog": "1" } }).catch(() => null);
    const page = answer && new DOMParser().parseFromString(await answer.text(), "text/html");
    const content = page?.querySelector("[data-dialog-content]");
    if (!content || answer.redirected) {
      location.assign(address);
      return;
    }
    for (const sheet of page.querySelectorAll('link[rel="stylesheet"]')) {
      // What the page looks like by itself; most sheets are here already.
      if (!document.querySelector(`link[href="${CSS.escape(sheet.getAttribute("href"))}"]`)) document.head.append(document.importNode(sheet));
    }
    const title = content.querySelector("h1");
    if (title) {
      title.id = "dialog-title";
      dialog.setAttribute("aria-labelledby", "dialog-title");
    }
    dialog.replaceChildren(document.importNode(content, true));
    window.htmx?.process(dialog);
    dialog.showModal();
    document.dispatchEvent(new CustomEvent("ui:shown", { detail: dialog }));
    (dialog.querySelector("[autofocus], input:not([type=hidden]), select, textarea, button") ?? dialog).focus();
  }
}
