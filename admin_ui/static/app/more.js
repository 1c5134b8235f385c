// Phones: the next rows of a list come below those that are there. Without this, the link leads to the next page.
const MOST_PARTS = 10; // what a page holds at most; after these the link leads on

// The server shows as many rows at once as phones want, from the next page on.
export function tellWidth() {
  const phone = matchMedia("(max-width: 699.98px)");
  const tell = () => { document.cookie = `narrow=${phone.matches ? 1 : 0}; path=/; max-age=31536000; samesite=lax`; };
  if (document.cookie.includes("narrow=1") !== phone.matches) tell();
  phone.addEventListener("change", tell);
}

export function installMore() {
  const parts = () => Number(new URL(location.href).searchParams.get("more")) || 1;
  // By what htmx calls a request: the link that was followed, which the swap replaces, and how many rows there were.
  const followed = new WeakMap();

  document.addEventListener("click", (event) => {
    // Not for htmx: the browser follows it as any link.
    if (event.target.closest("a[data-more]") && parts() >= MOST_PARTS) event.stopPropagation();
  }, true);

  document.addEventListener("htmx:before:request", (event) => {
    const ctx = event.detail.ctx, link = ctx.sourceElement;
    if (link?.matches?.("a[data-more]")) followed.set(ctx, { link, before: ctx.target.childElementCount });
  });

  document.addEventListener("htmx:after:swap", (event) => {
    const ctx = event.detail?.ctx;
    if (!followed.has(ctx)) return;
    const { link, before } = followed.get(ctx);
    const rows = document.querySelector(link.dataset.more);
    // Whoever comes back, or loads the page again, finds as many rows.
    const here = new URL(location.href);
    here.searchParams.set("size", link.dataset.size);
    here.searchParams.set("more", parts() + 1);
    history.replaceState(history.state, "", here);
    const first = rows.children[before];
    if (!first) return;
    const aim = first.querySelector("a[href]") ?? first;
    if (!aim.matches("a")) aim.tabIndex = -1;
    aim.focus({ preventScroll: true });
    document.getElementById("live").textContent = link.dataset.told.replace("{n}", rows.childElementCount - before);
  });
}
