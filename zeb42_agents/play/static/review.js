// A hand reviewed: what could be known and what hindsight knows, side by side and never mixed.
import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { get, lines, post, save } from "./api.js";
import { percent } from "./domino.js";
import { Dialog } from "./newgame.js";
import { Groups } from "./summary.js";
import { Felt } from "./table.js";

const NEWEST = 20; // hands are added up within a minute
const COSTLY = ["slip", "mistake", "blunder"];

const WHOSE = ["yours", "left's", "partner's", "right's"];

// One hand; of two tables side by side, `chosen` is the decision that both look at, and `title` says which this is.
export function Review({ hand, seat: first, title, back, onClose, chosen: shared, onChoose }) {
  const [seat, setSeat] = useState(first);
  const [head, setHead] = useState(null);
  const [steps, setSteps] = useState([]);
  const [end, setEnd] = useState(null);
  const [own, setOwn] = useState(null);
  const [chosen, setChosen] = onChoose ? [shared, onChoose] : [own, setOwn];
  const [worst, setWorst] = useState(!onChoose);
  const [tried, setTried] = useState({});
  const [trouble, setTrouble] = useState("");
  useEffect(() => {
    const stopper = new AbortController();
    setSteps([]);
    setEnd(null);
    lines("/review", { hand, seat }, (line) => {
      if (line.kind === "head") setHead(line);
      else if (line.kind === "step") setSteps((before) => [...before, line]);
      else if (line.kind === "end") setEnd(line);
      else setTrouble(line.error);
    }, stopper.signal).catch((error) => error.name !== "AbortError" && setTrouble(error.message));
    return () => stopper.abort();
  }, [hand, seat]);
  const decisions = steps.filter((step) => step.could_know && step.could_know.grade !== "forced");
  const sorted = worst ? [...decisions].sort((a, b) => b.could_know.share - a.could_know.share) : decisions;
  const step = steps.find((one) => one.ply === chosen) || (end && sorted[0]) || decisions[0];
  const tryOut = async (action) => {
    try {
      const found = await post("/what_if", { hand, ply: step.ply, action });
      setTried({ ply: step.ply, action, ...found });
    } catch (error) {
      setTrouble(error.message);
    }
  };
  const of = title ? ` of ${title}` : ""; // two of a page need names of their own
  return html`<div class="review">
    <div class="review-head"><h2>${title || "Review"}</h2>
      <p>${head ? `${head.result || head.contract}` : "Reading the hand …"}</p>
      <label class="pick">Decisions <select class="whose" value=${seat ?? ""} onChange=${(event) => setSeat(event.target.value === "" ? null : Number(event.target.value))}>
        <option value="">everybody's</option>${WHOSE.map((_, other) => html`<option value=${other}>${first === null ? `seat ${other}` : WHOSE[(other - first) & 3]}</option>`)}</select></label>
      <button id="save-review" disabled=${!end} onClick=${() => save("/review/page", { hand, seat }, "review.html").catch((error) => setTrouble(error.message))}>Save as a page</button>
      ${onClose && html`<button id="leave-review" onClick=${onClose}>${back}</button>`}</div>
    ${trouble && html`<p class="trouble" role="alert">${trouble}</p>`}
    ${head && html`<p class="quiet" role="status">${end ? `${decisions.length} decisions, each tried in ${head.num_worlds} guessed deals.`
      : `Thinking: ${steps.length} of ${head.num_steps} …`}</p>`}
    <p class="hidden-words" role="status">${step && tried.ply === step.ply ? `What if ${tried.step.text}: ${tried.step.could_know.words}` : ""}</p>
    <${Graph} steps=${steps} end=${end} step=${step} onChoose=${setChosen} />
    ${step && html`<div class="review-body">
      <div>
        ${step.table && html`<${Felt} label=${`Table${of}`} state=${{ ...step.table, your_turn: step.table.to_move === step.table.seat }} busy=${false} onPlay=${tryOut} done=${step.text} />
          <p class="quiet">The table as it was. ${step.trick && step.table.to_move === step.table.seat ? "The domino with the line under it was played. Click another: what if?" : ""}</p>`}
      </div>
      <div class="findings">
      ${tried.ply === step.ply && html`<${Verdicts} key=${tried.action} step=${tried.step} title=${`What if ${tried.step.text}?`} found />`}
      <${Verdicts} step=${step} title=${`${named(step)}: ${step.text}`} />
      <section class="decisions" aria-label=${`Decisions${of}`}>
        <div class="tabs" role="group" aria-label="Order"><button class="small" aria-pressed=${worst} onClick=${() => setWorst(true)}>Worst first</button>
          <button class="small" aria-pressed=${!worst} onClick=${() => setWorst(false)}>In order</button></div>
        <ol>${sorted.map((one) => html`<li key=${one.ply}><button class=${`decision ${one.could_know.grade}`} aria-current=${one === step} onClick=${() => setChosen(one.ply)}>
          <span>${named(one)} <b>${one.text}</b></span><span class="grade">${one.could_know.words}</span>
          <span class="lost">${one.could_know.loss > 0 ? `−${amount(one.could_know.loss, one.could_know.unit)}` : ""}</span></button></li>`)}</ol>
        ${end && html`<h3>Where it went</h3><${Groups} summary=${end.summary} /><p class="quiet">One hand shows how it went, not how you play.</p>`}
      </section></div></div>`}
  </div>`;
}

function named(step) {
  return step.what === "bid" ? "bid" : step.what === "trump" ? "trump" : `trick ${step.trick}, ${step.what}`;
}

function amount(value, unit) {
  if (unit === "win") return percent(value);
  const digits = unit === "marks" ? 2 : 1;
  return `${value.toFixed(digits).replace(/^-(?=0\.?0*$)/, "").replace("-", "−")} ${unit}`;
}

// The best few, and what was chosen.
function shown({ options }, done) {
  const best = options.slice(0, 5);
  return [...best, ...options.filter((option) => option.text === done && !best.includes(option))];
}

// `found` was just asked for, and is brought into sight.
function Verdicts({ step, title, found = false }) {
  const { could_know: known, hindsight } = step;
  const box = useRef(null);
  useEffect(() => void (found && box.current?.scrollIntoView({ block: "nearest" })), []);
  if (!known) return null;
  return html`<section class=${`verdicts ${found ? "what-if" : ""}`} ref=${box}><h3>${title}</h3><div class="cards">
    <div class=${`card ${known.grade}`}><h4>What you could know</h4><p class="grade">${known.words}</p>
      ${known.grade === "forced" ? "" : html`<p>${known.loss === 0 ? "Nothing did better in the guessed deals." : `It gave up ${amount(known.loss, known.unit)} ± ${amount(2 * known.se, known.unit)}.`}</p>
      <ul>${shown(known, step.text).map((option) => html`<li key=${option.text} class=${option.text === step.text ? "done" : ""}>${option.text} <b>${amount(option.value, known.unit)}</b>${option.close && option.loss ? " too close to call" : ""}</li>`)}</ul>`}
    </div>
    <div class="card"><h4>Hindsight</h4>${hindsight ? html`<${Hindsight} found=${hindsight} />` : html`<p class="quiet">Not all hands are known.</p>`}</div>
  </div></section>`;
}

function Hindsight({ found }) {
  if (found.text) return html`<p>With all hands open ${found.text}.</p>`;
  return html`<p class="grade">${found.given_away ? `gave away ${found.given_away} ${found.given_away === 1 ? "point" : "points"}` : "gave nothing away"}</p>
    <p>${found.lost_it ? "It turned a hand that was won into a lost one." : ""} With all hands open, ${found.best_points} points were to be had.</p>`;
}

// Both tables of a deal; a decision chosen at one is looked at at the other, too.
export function Deal({ hands, back, onClose }) {
  const [ply, setPly] = useState(null);
  return html`<div class="review">
    <div class="review-head"><h2>One deal, two tables</h2><p></p><button id="leave-deal" onClick=${onClose}>${back}</button></div>
    <div class="beside">${hands.map((one) => html`<${Review} key=${one.title} hand=${one.hand} seat=${one.seat} title=${one.title} chosen=${ply} onChoose=${setPly} />`)}</div>
  </div>`;
}

function Graph({ steps, end, step, onChoose }) {
  const points = steps.filter((one) => one.win);
  if (points.length < 2) return null;
  const last = end?.win ? [...points, { ply: points.at(-1).ply + 1, win: end.win }] : points;
  const width = matchMedia("(max-width: 40rem)").matches ? 400 : 1100; // drawn smaller, it would be a line on a phone
  const x = (number) => 50 + ((width - 60) * number) / Math.max(1, last.length - 1);
  const path = (key) => last.map((one, number) => (one.win[key] === null ? "" : `${x(number).toFixed(1)},${(110 - 100 * one.win[key]).toFixed(1)}`)).filter(Boolean).join(" ");
  return html`<figure class="graph"><svg viewBox=${`0 0 ${width} 120`} role="img" aria-label="Share of hands won through the hand: as could be known, and in hindsight">
      ${[100, 50, 0].map((share) => html`<text key=${share} x="42" y=${114 - share}>${share}%</text>`)}<line class="half" x1="50" x2=${width - 10} y1="60" y2="60" /><polyline class="hind" points=${path("hindsight")} /><polyline class="know" points=${path("could_know")} />
      ${points.map((one, number) => one.could_know && one.win.could_know !== null && html`<circle key=${one.ply} class=${`dot ${COSTLY.includes(one.could_know.grade) ? one.could_know.grade : ""} ${one === step ? "now" : ""}`}
        cx=${x(number)} cy=${110 - 100 * one.win.could_know} r=${one === step ? 6 : 4} onClick=${() => onChoose(one.ply)} />`)}
    </svg><figcaption class="quiet">Share of hands won: <span class="key-know">as could be known</span>, <span class="key-hind">in hindsight</span></figcaption></figure>`;
}

// Hands that were kept, and any line of notation from elsewhere.
export function Hands({ onClose, onReview, onSum }) {
  const [kept, setKept] = useState(null);
  const [words, setWords] = useState("");
  const [line, setLine] = useState("");
  const [trouble, setTrouble] = useState("");
  useEffect(() => {
    get(`/hands?words=${encodeURIComponent(words)}`).then((found) => setKept(found.hands), (error) => setTrouble(error.message));
  }, [words]);
  const paste = async (event) => {
    event.preventDefault();
    try {
      onReview((await post("/read", { line })).hand, null);
    } catch (error) {
      setTrouble(error.message);
    }
  };
  const when = (one) => one.when && new Date(one.when).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  const sum = (count) => onSum(kept.slice(0, count).map((one) => ({ hand: one.hand, seat: one.own_seat, title: [when(one), one.result].filter(Boolean).join(": ") })));
  return html`<${Dialog} title="Hands" onClose=${onClose} wide>
    <form onSubmit=${paste}><label class="stacked">A hand as it was played, in notation
      <textarea id="paste" rows="3" maxlength="2000" value=${line} placeholder="zeb42/1 deal=…|…|…|… shaker=2 calls=… trump=… plays=…" onInput=${(event) => setLine(event.target.value)}></textarea></label>
      ${trouble && html`<p class="trouble" role="alert">${trouble}</p>`}
      <button class="primary" id="review-paste">Review it</button></form>
    <h3>Kept on this machine</h3>
    <label class="row"><span>Search</span><input value=${words} maxlength="80" placeholder="fives set 2026" onInput=${(event) => setWords(event.target.value)} /></label>
    ${kept && !kept.length && html`<p class="quiet">None.</p>`}
    ${kept?.length > 1 && html`<p>Where do I lose? ${[...new Set([Math.min(NEWEST, kept.length), kept.length])].map((count) => html`<button class="small sum" key=${count}
      onClick=${() => sum(count)}>${count < kept.length ? `Add up the newest ${count}` : `Add up all ${count}`}</button> `)}</p>`}
    <ol class="kept">${(kept || []).map((one) => html`<li key=${one.number}><button onClick=${() => onReview(one.hand, one.own_seat)}>
      <span>${one.result}</span> <small>${[when(one), one.seats.join(", ")].filter(Boolean).join(" · ")}</small></button></li>`)}</ol>
    ${kept?.length > 0 && html`<p><a href="/api/hands.txt" download="hands.txt">All as a file of lines</a></p>`}
  </${Dialog}>`;
}
