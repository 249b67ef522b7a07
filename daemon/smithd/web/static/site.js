// Searches while a person types, and lets "/" go to the search. Without it, the form is sent.
"use strict";

const PAUSE = 250;
const search = document.querySelector("form.search");
const box = search?.elements.q;

document.addEventListener("keydown", (event) => {
  const writes = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || writes || event.ctrlKey || event.metaKey || event.altKey || !box) return;
  event.preventDefault();
  box.select();
});

function find() {
  const asked = new URLSearchParams(new FormData(search));
  for (const [name, value] of [...asked]) if (!value) asked.delete(name);
  const query = `${asked}` && `?${asked}`;
  history.replaceState(null, "", search.getAttribute("action") + query);
  document.body.dataset.fragment = `live/${search.getAttribute("action")}${query}`;
  document.dispatchEvent(new Event("look"));
}

let typed;
box?.addEventListener("input", () => {
  clearTimeout(typed);
  typed = setTimeout(find, PAUSE);
});
search?.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(typed);
  find();
});
