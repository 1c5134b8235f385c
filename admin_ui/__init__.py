"""The admin UI: pages for people, made on the server, on top of the gateway's services.

Where things are:

- `app.py`       the blueprint: what every request passes, the list of pages, error pages; `install` is the way in
- `ui.py`        `Ui`, which views are given: services, templates, assets, messages across a redirect
- `visit.py`     who looks, in which language, theme and time zone
- `i18n.py`      `_()` and `_n()`; catalogues lie in `translations/`
- `csrf.py`      tokens for forms
- `forms.py`     reading and checking a form, with what was typed kept
- `lists.py`     search, filters, sorting and pages of a list, all in the address
- `streams.py`    server-sent events that hold nothing up
- `exports.py`    lists as CSV
- `shown.py`     numbers, money and times as people read them
- `nav.py`       the rail
- `markdown.py`  an administrator's text as safe HTML
- `views/`       one module per page or family of pages: read the query, call a service, render; `picked.py` is for
                 ticked rows, `first_steps.py` for what a newcomer still has to do
- `templates/`   `base.html` (the frame), `parts/` (macros), `pages/`
- `static/`      `app/` is ours, `vendor/` is not (see its README), served under a hash of all their content

How a page is added:

1. A view module with `def register(area: Blueprint, ui: Ui) -> None`, in which each route declares who may call it
   with `needs(Role.…)` or `anybody()` from `gateway.management.guard`, and returns `ui.page("pages/x.html", …)`.
   POST views end in `ui.go("/x", note=_("Saved."))`, a 303, or in `ui.page(…, status=422)` with the same form again.
   Rules live in services (`gateway.accounts`, `gateway.channels`, …), which raise `Refused` with words for people.
2. Its name in `PAGES` of `app.py`, and its place in the rail in `nav.py`.
3. A template that extends `base.html` and fills `title` and `main`. `{% from "parts/forms.html" import field %}` and
   its neighbours are the components; `pages/users.html` shows a list, `pages/user_form.html` a form.
4. Every text through `_("…")` (in Python and in templates), and its Chinese in `translations/zh/`. Data goes to
   scripts in `data-` attributes or `<script type="application/json">`; there is no inline script and no `style=`.
5. Its address in `PAGES` of `tests/admin_ui/test_pages.py`, which looks at it with axe in both languages and themes,
   and a test in `test_actions.py` that does what people do there.
6. A script of its own, if any, is `static/app/x.js`, an ES module named in block `scripts`; pages work without it.

A list inside a page that changes by itself carries an id; links and forms around it use htmx with `hx-target` and
`hx-select` on that id, so the same address serves the whole page and the part.
"""
