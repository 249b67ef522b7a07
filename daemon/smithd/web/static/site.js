// Searches while a person types, lets "/" go to the search, and makes and ends silences. Without it, the search is a form.
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

// Said to a screen reader after a search only: a list that changes by itself must not interrupt anybody.
const found = document.getElementById("found");
document.addEventListener("looked", () => {
  if (found) found.textContent = document.querySelector(".shown").textContent;
});

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

// A change of the daemon: the API's answer, or what it says where it refuses.
async function change(method, path, body) {
  const answer = await fetch(`api/v1/${path}`, {
    method,
    headers: { "Content-Type": "application/json", "X-CSRF-Token": document.body.dataset.csrf },
    body: body && JSON.stringify(body),
  });
  const said = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.error ?? `smithd answers with an error (${answer.status})`);
  document.dispatchEvent(new Event("look"));
  return said;
}

const silence = document.getElementById("silence");
const said = document.getElementById("silence-said");

async function say(done) {
  try {
    said.textContent = await done();
    said.dataset.is = "done";
  } catch (error) {
    said.textContent = error instanceof TypeError ? "smithd does not answer." : error.message;
    said.dataset.is = "wrong";
  }
}

silence?.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = Object.fromEntries([...new FormData(silence)].filter(([, text]) => text));
  say(async () => {
    const made = await change("POST", "silences", { author: "page", ...given });
    silence.elements.matchers.value = silence.elements.comment.value = "";
    return `Silence ${made.id} of ${made.matchers} was made.`;
  });
});

document.addEventListener("click", (event) => {
  const id = event.target.closest("[data-expire]")?.dataset.expire;
  if (!id) return;
  event.target.disabled = true;
  say(async () => {
    await change("DELETE", `silences/${id}`);
    return `Silence ${id} was ended.`;
  }).finally(() => (event.target.disabled = false));
});
