// Forms: no double sends, no lost input, passwords that can be shown, filters that apply themselves.

export function installForms() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented) return;
    if (form.dataset.sent !== undefined && form.method === "post") {
      event.preventDefault();
      return;
    }
    if (form.method !== "post") return;
    form.dataset.sent = "";
    form.dataset.clean = "";
    // After the browser has collected the fields: a disabled button would not be sent with them.
    setTimeout(() => {
      for (const button of form.querySelectorAll("button[type=submit], button:not([type])")) {
        button.setAttribute("aria-disabled", "true");
      }
    });
  });

  // Back from a cached page: its forms may be sent again.
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
    }
  });

  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-guard]");
    if (form) form.dataset.dirty = "";
  });
  addEventListener("beforeunload", (event) => {
    if (document.querySelector("form[data-guard][data-dirty]:not([data-clean])")) event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const show = event.target.closest("[data-show-secret]");
    if (!show) return;
    const field = document.getElementById(show.dataset.showSecret);
    const hidden = field.type === "password";
    field.type = hidden ? "text" : "password";
    show.setAttribute("aria-pressed", String(hidden));
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      document.activeElement?.closest("form[method=post]")?.requestSubmit();
    }
  });

  // Parts of a form that belong to one answer: data-when="name=value|value".
  function toggle(scope) {
    for (const part of scope.querySelectorAll("[data-when]")) {
      const [name, wanted] = part.dataset.when.split("=");
      const form = part.closest("form");
      const field = form.elements[name];
      const value = field instanceof RadioNodeList ? field.value : field?.type === "checkbox" ? String(field.checked) : field?.value;
      const shown = wanted.split("|").includes(value);
      part.hidden = !shown;
      part.classList.remove("when-off");
      for (const inner of part.querySelectorAll("input, select, textarea")) inner.disabled = !shown;
    }
  }
  toggle(document);
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form");
    if (form) toggle(form);
  });
  document.addEventListener("ui:shown", (event) => toggle(event.detail));

  // The list of faults calls each field by its label, which the server writes only further down.
  function nameFaults() {
    for (const link of document.querySelectorAll("[data-faults] a:not([data-named])")) {
      const field = document.getElementById(decodeURIComponent(link.hash.slice(1)));
      const name = (field?.labels?.[0] ?? field?.querySelector("legend"))?.firstChild.textContent.trim();
      link.dataset.named = "";
      if (name) link.prepend(`${name}: `);
    }
  }
  nameFaults();
  document.addEventListener("htmx:after:swap", nameFaults);
  document.addEventListener("ui:shown", nameFaults);
}
