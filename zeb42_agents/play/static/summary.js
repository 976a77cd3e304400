// Many hands added up: where they were lost, and which of them are worth a look.
import { html, useEffect, useState } from "./vendor/htm-preact.js";
import { lines } from "./api.js";

// A share of hands cannot be below none; what is measured can.
const amount = (share, digits) => Math.max(0, share).toFixed(digits);

// Offense and defense are the plays once more, and add up with nothing above them.
const firstSide = (summary) => summary.groups.find((group) => group.num_decisions && ["offense", "defense"].includes(group.name))?.name;

export function Groups({ summary }) {
  const digits = summary.few === false ? 1 : 2;
  return html`<table class="groups"><caption class="hidden-words">Hands lost by kind of decision</caption>
    <thead><tr><th scope="col">decisions</th><th scope="col">costly</th><th scope="col">hands lost</th></tr></thead>
    <tbody>${summary.groups.filter((group) => group.num_decisions).map((group) => html`${group.name === firstSide(summary) && html`<tr class="cut"><td colspan="3">the same plays, by side</td></tr>`}<tr key=${group.name}><th scope="row">${group.words} <small>${group.num_decisions}</small></th>
      <td>${group.num_costly}</td><td>${amount(group.loss, digits)} <small>${amount(group.interval[0], digits)} to ${amount(group.interval[1], digits)}</small></td></tr>`)}</tbody></table>`;
}

export function Summary({ hands, back, onReview, onClose }) {
  const [progress, setProgress] = useState({ hands: 0, share: 0 });
  const [done, setDone] = useState([]);
  const [summary, setSummary] = useState(null);
  const [trouble, setTrouble] = useState("");
  useEffect(() => {
    const stopper = new AbortController();
    const asked = hands.map(({ hand, seat }) => ({ hand, seat }));
    lines("/summary", { hands: asked }, (line) => {
      if (line.kind === "progress") setProgress(line);
      else if (line.kind === "hand") setDone((before) => [...before, line]);
      else if (line.kind === "summary") setSummary(line);
      else setTrouble(line.error);
    }, stopper.signal).catch((error) => error.name !== "AbortError" && setTrouble(error.message));
    return () => stopper.abort();
  }, [hands]);
  const count = hands.length === 1 ? "1 hand" : `${hands.length} hands`;
  const whose = hands.every((one) => one.seat === null) ? "all four seats" : "your decisions";
  return html`<div class="review">
    <div class="review-head"><h2>Where it went: ${count}</h2><p>${whose}</p><button id="leave-summary" onClick=${onClose}>${back}</button></div>
    ${trouble && html`<p class="trouble" role="alert">${trouble}</p>`}
    ${!summary && !trouble && html`<p role="status" class="quiet">Thinking: hand ${Math.min(hands.length, progress.hands + 1)} of ${hands.length} …</p>
      <progress max=${hands.length} value=${progress.hands + progress.share} aria-label="Hands reviewed"></progress>`}
    ${summary && html`<section class="decisions"><${Groups} summary=${summary} />
      <p class="quiet">${summary.few ? "Fewer than 10 hands say how these went, not how you play."
        : "The ranges are what the guessed deals can tell of these hands (95%). Other hands would come out otherwise."}</p></section>`}
    <section class="decisions" aria-label="The hands"><h3>The hands</h3>
      <ol class="kept">${hands.map((one, number) => html`<li key=${number}><button data-hand=${number} onClick=${() => onReview(one.hand, one.seat)}>
        <span>${one.title}</span> <small>${told(done[number])}</small></button></li>`)}</ol></section>
  </div>`;
}

function told(found) {
  if (!found) return "not looked at yet";
  if (!found.worst) return "nothing that cost beyond doubt";
  const { what, trick, text, words } = found.worst;
  const more = found.num_costly > 1 ? `, and ${found.num_costly - 1} more` : "";
  return `${trick ? `trick ${trick}, ` : ""}${what} ${text}: ${words}${more}`;
}
