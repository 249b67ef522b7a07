// Keeps the page live: asks for the fragment every second and changes only what differs, with a gentle movement.
"use strict";

const EVERY = 1000;
const REQUEST_TIMEOUT = 5000;
// What changes, by name; the fragment has each by the same name, or is the only one.
const parts = [...document.querySelectorAll("[data-live]")];
const why = document.getElementById("lost-why");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const nodes = (parent) => [...parent.childNodes].filter((node) => node.nodeType !== Node.TEXT_NODE || node.data.trim());
const keyed = (node) => node.nodeType === Node.ELEMENT_NODE && node.dataset.key !== undefined;

// Rows of a table change without a movement: a search exchanges many at once.
function move(element, frames, options) {
  if (!still.matches && !element.closest("table")) element.animate(frames, { easing: "cubic-bezier(.2,.8,.2,1)", ...options });
}

const enter = (element) =>
  move(element, [{ opacity: 0, transform: "translateY(.8em) scale(.97)" }, { opacity: 1, transform: "none" }], {
    duration: 600,
  });

const flash = (element) =>
  move(element, [{ filter: "brightness(1.9)", textShadow: "0 0 .8em currentColor" }, { filter: "none" }], {
    duration: 1400,
  });

// Elements that stay slide from where they were to where they are now.
function slide(parent, change) {
  const before = new Map([...parent.children].map((child) => [child, child.offsetTop]));
  change();
  for (const [child, top] of before) {
    const way = child.parentNode === parent ? top - child.offsetTop : 0;
    if (way) move(child, [{ transform: `translateY(${way}px)` }, { transform: "none" }], { duration: 500 });
  }
}

function update(shown, wanted) {
  if (shown.isEqualNode(wanted)) return;
  if (shown.nodeType !== Node.ELEMENT_NODE) {
    shown.data = wanted.data;
    return;
  }
  // What a person has opened stays open.
  for (const { name } of [...shown.attributes]) if (name !== "open" && !wanted.hasAttribute(name)) shown.removeAttribute(name);
  for (const { name, value } of wanted.attributes) if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  if (nodes(shown).some(keyed) || nodes(wanted).some(keyed)) slide(shown, () => matchByKey(shown, wanted));
  else matchByPlace(shown, wanted);
  if (shown.dataset.flash !== undefined) flash(shown);
}

function matchByKey(shown, wanted) {
  const known = new Map(nodes(shown).filter(keyed).map((node) => [node.dataset.key, node]));
  const kept = nodes(wanted).map((node) => {
    const same = keyed(node) ? known.get(node.dataset.key) : undefined;
    if (same === undefined || same.nodeName !== node.nodeName) return { node, fresh: true };
    known.delete(node.dataset.key);
    update(same, node);
    return { node: same, fresh: false };
  });
  const staying = new Set(kept.map(({ node }) => node));
  for (const node of [...shown.childNodes]) if (!staying.has(node)) node.remove();
  kept.forEach(({ node }, place) => {
    if (shown.childNodes[place] !== node) shown.insertBefore(node, shown.childNodes[place] ?? null);
  });
  for (const { node, fresh } of kept) if (fresh && node.nodeType === Node.ELEMENT_NODE) enter(node);
}

function matchByPlace(shown, wanted) {
  const have = nodes(shown);
  const want = nodes(wanted);
  if (have.length === want.length && have.every((node, place) => node.nodeName === want[place].nodeName)) {
    have.forEach((node, place) => update(node, want[place]));
  } else {
    shown.replaceChildren(...wanted.childNodes);
  }
}

function link(state, reason) {
  document.body.dataset.link = state;
  if (reason && why.textContent !== reason) why.textContent = reason;
}

async function ask() {
  const asked = document.body.dataset.fragment;
  const answer = await fetch(asked, {
    cache: "no-store",
    credentials: "same-origin",
    signal: AbortSignal.timeout(REQUEST_TIMEOUT),
  });
  if (!answer.ok) {
    // A refusal says what to do, in plain text.
    const said = answer.status < 500 && answer.headers.get("content-type")?.startsWith("text/plain");
    link("lost", said ? await answer.text() : `smithd answers with an error (${answer.status}); trying again.`);
  } else {
    // Meanwhile something else was asked for.
    if (asked !== document.body.dataset.fragment) return;
    const news = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    for (const part of parts) matchByPlace(part, news.querySelector(`[data-live="${part.dataset.live}"]`) ?? news);
    link("live");
  }
}

async function keepLive() {
  try {
    if (!document.hidden) await ask();
  } catch {
    link("lost", "smithd does not answer; trying again.");
  }
  setTimeout(keepLive, EVERY);
}

// The token stays in no history; what else was asked for does.
const asked = new URLSearchParams(location.search);
asked.delete("token");
if (location.search) history.replaceState(null, "", location.pathname + (`${asked}` && `?${asked}`));
document.addEventListener("visibilitychange", () => document.hidden || ask().catch(() => {}));
// Somebody wants to see what there is now, and to know when it is there.
document.addEventListener("look", () =>
  ask().then(() => document.dispatchEvent(new Event("looked")), () => {}),
);
link("live");
setTimeout(keepLive, EVERY);
