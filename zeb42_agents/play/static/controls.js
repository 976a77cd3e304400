// What is said at a table: bids, trump, or any words of players typed in.
import { html, useState } from "./vendor/htm-preact.js";

export function Controls({ state, onSay, busy }) {
  if (!state.your_turn || state.phase === "tricks") return null;
  const title = state.phase === "auction" ? "Your bid" : "Name trump";
  return html`<div class="calls" role="group" aria-label=${title}>
    <span class="calls-title">${title}${mustBid(state) ? ": all passed, so you must" : ""}</span>
    <${CallButtons} legal=${state.legal} onSay=${onSay} busy=${busy} />
  </div>`;
}

const mustBid = (state) => state.phase === "auction" && !state.legal.includes("pass");

export function CallButtons({ legal, onSay, busy = false }) {
  return legal.map(
    (words) => html`<button type="button" key=${words} class=${`call ${words === "pass" ? "pass" : ""}`} disabled=${busy}
      data-say=${words} onClick=${() => onSay(words)}>${named(words)}</button>`,
  );
}

// The arrow keys go from button to button of a group.
export function arrows(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const all = [...event.currentTarget.querySelectorAll("button")];
  all[(all.indexOf(document.activeElement) + step + all.length) % all.length]?.focus();
  event.preventDefault();
}

const NAMES = {
  "1 mark": html`1 mark <small>42</small>`,
  "2 marks": html`2 marks <small>84</small>`,
  "no-trump": html`follow me <small>no trump</small>`,
  "doubles-suit": html`doubles a suit <small>no trump</small>`,
};

function named(words) {
  return NAMES[words] || words;
}

export function Say({ state, onSay, busy }) {
  const [words, setWords] = useState("");
  const hint = { auction: mustBid(state) ? "31, 84" : "31, 84, pass", declaration: "fives, follow me", tricks: "6-4 or 64" }[state.phase] || "";
  const said = async (event) => {
    event.preventDefault();
    if (words.trim() && (await onSay(words))) setWords("");
  };
  return html`<form class="say" onSubmit=${said}>
    <label for="say">Say it</label>
    <input id="say" value=${words} placeholder=${hint} autocomplete="off" maxlength="60"
      disabled=${busy || !state.your_turn} onInput=${(event) => setWords(event.target.value)} />
  </form>`;
}
