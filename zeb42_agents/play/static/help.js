// How the table works, for who sits down for the first time; and the keys, which can be switched off.
import { html } from "./vendor/htm-preact.js";
import { Dialog } from "./newgame.js";

const KEYS = { A: "ask", B: "help me bid", U: "take back", N: "next hand", "/": "say it" };

export function Help({ keys, onKeys, onClose }) {
  return html`<${Dialog} title="How this table works" onClose=${onClose}>
    <ul class="help">
      <li><b>You sit at the bottom</b>, your partner across. First to seven marks wins; marks are the strokes on the rail.</li>
      <li><b>Bid once</b>, 30 to 42 points of the 42 in a hand, or marks: click a number, or pass. Who bids most names trump and leads.</li>
      <li><b>Play</b> by clicking a domino. What may not be played is dimmed. Trumps have a <b>golden edge</b>; the domino that takes the trick says <b>wins</b>.</li>
      <li><b>Not sure?</b> <i>Help me bid</i> and <i>What is best?</i> answer when asked, and <i>Take back</i> undoes. After the hand, <i>Review</i> says what cost it.</li>
      <li>A click on the felt hurries the others. <i>Pace</i> sets how fast they play.</li>
    </ul>
    <h3>Keys</h3>
    <p class="quiet">Arrows and Enter pick a bid or a domino.</p>
    <label class="switch"><input id="keys" type="checkbox" checked=${keys} onChange=${(event) => onKeys(event.target.checked)} /> Single keys, too</label>
    <ul class="keys ${keys ? "" : "off"}">${Object.entries(KEYS).map(([key, does]) => html`<li key=${key}><kbd>${key}</kbd> ${does}</li>`)}</ul>
  </${Dialog}>`;
}
