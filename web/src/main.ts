// Puts the parts together: what is heard goes to the store, what has changed to the views.

import { Announcer } from "./announce";
import { getJson, socketAddress, token } from "./api";
import { ServerClock } from "./clock";
import type { Status } from "./connection";
import { Connection } from "./connection";
import type { Context } from "./context";
import { Detail } from "./detail";
import { showModels, TokenForm } from "./dialogs";
import { byId, setAttribute, setText } from "./dom";
import { clock as timeText, plural, words } from "./format";
import { Grid } from "./grid";
import type { Sort } from "./order";
import { kSorts } from "./order";
import type { Page } from "./past";
import { Past } from "./past";
import type { Message } from "./protocol";
import { between, kLive } from "./range";
import { isNumbered, kReplay, Store } from "./store";
import type { Hole } from "./store";
import { fillLegend } from "./swatch";
import { onTheme, patterns, setPatterns, setTheme, startTheme, theme } from "./theme";
import type { Theme } from "./theme";
import { Timeline } from "./timeline";

declare global {
  interface Window {
    /** For tests of the page: what it has seen. */
    emotiond: { events(stream: string): number[]; holes(): readonly Hole[] };
  }
}

/** What the graphs of the overview show, and a little more. */
const kSeedMs = 65_000;
const kSeedEvents = 30_000;
/** What is older is no news. */
const kNews = 30_000;

startTheme();

const store = new Store();
const clock = new ServerClock();
const past = new Past(store, (query, signal) => getJson<Page>("v1/history", query, signal), () => clock.now());
const context: Context = { store, past, now: () => clock.now(), wake, filter: "", view: kLive };
const announcer = new Announcer(byId("announcements"));
const grid = new Grid(context);
const timeline = new Timeline(context);
const detail = new Detail(context);

// --- frames ---------------------------------------------------------------------------------

let asleep = true;
let ticked = true;
let drawn = 0;

/** With many streams something always changes: then they are drawn some times a second, all at once. */
function wake(): void {
  if (!asleep) return;
  asleep = false;
  const rest = drawn + (store.streams.size > 24 ? 200 : 40) - performance.now();
  if (rest > 0) setTimeout(() => requestAnimationFrame(frame), rest);
  else requestAnimationFrame(frame);
}

function frame(): void {
  asleep = true;
  drawn = performance.now();
  const all = ticked;
  ticked = false;
  const now = clock.now();
  grid.frame(now, all);
  timeline.frame(now, all);
  detail.frame(now, all);
  if (all) summary();
}

setInterval(() => {
  ticked = true;
  showStatus();
  rememberRange();
  wake();
}, 1000);

// --- what is heard --------------------------------------------------------------------------

store.changed = (stream, mark) => {
  grid.touch(stream);
  timeline.touch();
  detail.touch();
  if (mark && clock.now() - mark.t1 < kNews) {
    if (mark.kind === "alert") announcer.say(`${stream.name}: ${words(mark.text)} ${mark.what}`);
    if (mark.kind === "state" && mark.what === "paused") announcer.say(`${stream.name} is not analysed${mark.text ? `: ${mark.text}` : ""}`);
    if (mark.kind === "state" && mark.what === "lost") announcer.say(`${stream.name} is lost${mark.text ? `: ${mark.text}` : ""}`);
  }
  wake();
};

function notice(text: string): void {
  setText(byId("notice-text"), text);
  byId("notice").hidden = false;
}
byId("notice-close").addEventListener("click", () => (byId("notice").hidden = true));

/** As long as it lasts: it cannot be dismissed. */
function showOverload(): void {
  const before = byId("overload").textContent;
  const text = store.overload && `Overload, ${store.overload}`;
  setText(byId("overload"), text);
  byId("overload").hidden = text === "";
  if (text !== before) announcer.say(text || "The overload is over");
}

function hear(message: Message): void {
  if (isNumbered(message)) clock.heard(Date.parse(message.time));
  store.apply(message);
  if (message.type === "overload") showOverload();
  if (message.type === "error" && message.stream === undefined) notice(`${words(message.code)}: ${message.message}`);
  if (message.type === "gap" && message.scope === "queue" && message.stream === undefined) {
    notice(`${plural(message.dropped ?? 0, "message")} dropped: this page read too slowly`);
  }
}

/** The minute before the page came, where the server has kept it. */
async function seed(): Promise<void> {
  const now = clock.now();
  const from = now - kSeedMs;
  const events: Message[] = [];
  try {
    let cursor: string | null = null;
    do {
      const page: Page = await getJson<Page>("v1/history", {
        from: new Date(from).toISOString(), to: new Date(now).toISOString(), limit: 10_000, cursor: cursor ?? undefined,
      });
      events.push(...page.events);
      cursor = page.next;
    } while (cursor && events.length < kSeedEvents);
    past.kept = true;
    if (!cursor) store.seed(events, from);
  } catch (error) {
    if ((error as { status?: number }).status === 404) past.kept = false;
  }
}

// --- the connection -------------------------------------------------------------------------

let lostAt = 0;
/** Whether the server holds less of some stream than the overview shows. */
let short = false;
const tokenForm = new TokenForm((given) => {
  token.set(given);
  connection.again();
});

const connection = new Connection({
  open: () => new WebSocket(socketAddress()),
  token: () => token.get(),
  forgetToken: () => token.set(null),
  hello: (hello) => {
    store.hello(hello);
    showOverload();
    short = hello.streams.some(({ oldest_seq, newest_seq }) => newest_seq - (oldest_seq || newest_seq + 1) + 1 < kReplay);
    footnote();
    if (shown === "detail" && !detail.stream) route();
  },
  resume: () => store.resume(),
  subscribed: (message) => {
    const first = store.began === 0;
    if (first) store.began = clock.now();
    store.subscribed(message);
    if (first && short) void seed();
  },
  message: hear,
  pong: (message, sent) => {
    const t = message.time === undefined ? NaN : Date.parse(message.time);
    if (Number.isFinite(t)) clock.measured(t, sent);
  },
  status: (status) => {
    if (status.kind === "live") {
      if (lostAt > 0) announcer.say("Connected again");
      lostAt = 0;
    } else if (status.kind === "waiting" && lostAt === 0 && store.began > 0) {
      lostAt = Date.now();
      announcer.say("Connection lost");
    }
    if (status.kind === "token") tokenForm.show(status.refused);
    else tokenForm.hide();
    showStatus();
    wake();
  },
});

function statusText(status: Status): string {
  switch (status.kind) {
    case "connecting":
      return lostAt > 0 ? "reconnecting…" : "connecting…";
    case "catching-up":
      return "catching up…";
    case "live":
      return "live";
    case "waiting":
      return `reconnecting in ${Math.max(1, Math.ceil((status.until - Date.now()) / 1000))} s`;
    case "token":
      return "token needed";
  }
}

function showStatus(): void {
  const { status } = connection;
  const element = byId("status");
  setAttribute(element, "data-state", status.kind);
  setText(byId("status-text"), statusText(status));
  element.title = status.kind === "waiting" && status.why ? status.why : "";
  byId("status-now").hidden = status.kind !== "waiting" && status.kind !== "token";
  setText(byId("status-now"), status.kind === "token" ? "Enter token" : "Now");
  const stale = status.kind !== "live" && lostAt > 0;
  setAttribute(document.body, "data-stale", String(stale));
  byId("stale").hidden = !stale;
  if (stale) setText(byId("stale"), `No connection since ${timeText(lostAt)}. What is shown is what was heard before.`);
}
byId("status-now").addEventListener("click", () => {
  if (connection.status.kind === "token") tokenForm.show(connection.status.refused);
  else connection.again();
});
addEventListener("online", () => connection.again());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && connection.status.kind === "waiting") connection.again();
});

// --- around the views -----------------------------------------------------------------------

function summary(): void {
  const states = new Map<string, number>();
  let alerts = 0;
  for (const stream of store.streams.values()) {
    states.set(stream.state, (states.get(stream.state) ?? 0) + 1);
    alerts += stream.alerts.size;
  }
  const parts = [plural(store.streams.size, "stream")];
  for (const state of ["live", "silent", "lost", "paused", "ended"]) if (states.get(state)) parts.push(`${states.get(state)} ${state}`);
  setText(byId("summary"), store.streams.size > 0 ? parts.join(" · ") : "");
  const at = detail.stream ? `${detail.stream.name} – ` : "";
  const title = `${alerts > 0 ? `(${alerts}) ` : ""}${at}emotiond`;
  if (document.title !== title) document.title = title;
}

function labels(): string[] {
  return [...new Set([...store.models.values()].flatMap((model) => model.labels))];
}

function footnote(): void {
  const models = [...store.models.values()];
  setText(byId("footnote-model"), models.map((model) => `${model.id}${model.licence ? ` (${model.licence})` : ""}`).join(", ") || "a model");
  setText(byId("footnote-server"), store.server);
  fillLegend(byId("legend"), labels());
}
byId("models-link").addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  void showModels(store);
});

const filterField = byId<HTMLInputElement>("filter");
filterField.addEventListener("input", () => {
  context.filter = filterField.value.trim();
  grid.rearrange();
  timeline.again();
});
const sortField = byId<HTMLSelectElement>("sort");
sortField.addEventListener("change", () => {
  const wanted = kSorts.find((sort) => sort === sortField.value);
  grid.sort = wanted ?? ("name" satisfies Sort);
  grid.rearrange();
});

const kThemes: [Theme, string][] = [
  ["auto", "Theme: system"],
  ["light", "Theme: light"],
  ["dark", "Theme: dark"],
];
function showToggles(): void {
  const at = kThemes.find(([name]) => name === theme()) ?? kThemes[0]!;
  setText(byId("theme"), at[1]);
  byId("patterns").setAttribute("aria-pressed", String(patterns()));
}
byId("theme").addEventListener("click", () => {
  const at = kThemes.findIndex(([name]) => name === theme());
  setTheme(kThemes[(at + 1) % kThemes.length]![0]);
});
byId("patterns").addEventListener("click", () => setPatterns(!patterns()));
onTheme(() => {
  showToggles();
  fillLegend(byId("legend"), labels());
  ticked = true;
  wake();
});
showToggles();

// --- which view -----------------------------------------------------------------------------

let shown = "";
let scrolled = 0;
let cameFrom: string | null = null;

function route(): void {
  const [path = "", query = ""] = location.hash.replace(/^#/, "").split("?");
  const match = /^\/stream\/(.+)$/.exec(path);
  let name: string | null = null;
  try {
    name = match ? decodeURIComponent(match[1]!) : null;
  } catch {
    // Not a name that this page made.
  }
  const view = name !== null ? "detail" : path === "/timeline" ? "timeline" : "grid";
  const asked = new URLSearchParams(query);
  const from = Date.parse(asked.get("from") ?? "");
  const to = Date.parse(asked.get("to") ?? "");
  if (to > from) context.view = between(from, to, clock.now());
  if (shown === "grid" && view !== "grid") scrolled = scrollY;
  const before = shown;
  shown = view;
  byId("grid-view").hidden = view !== "grid";
  byId("timeline-view").hidden = view !== "timeline";
  byId("detail-view").hidden = view !== "detail";
  document.body.dataset.view = view;
  for (const link of document.querySelectorAll<HTMLAnchorElement>("nav a")) {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (name !== null) {
    cameFrom = name;
    const stream = store.streams.get(name);
    byId("detail-view").hidden = stream === undefined;
    byId("missing").hidden = stream !== undefined;
    setText(byId("missing"), `The server has told of no stream “${name}”.`);
    if (stream) detail.open(stream);
    else detail.close();
    if (before !== "") {
      scrollTo(0, 0);
      detail.focus();
    }
  } else {
    byId("missing").hidden = true;
    detail.close();
  }
  timeline.show(view === "timeline");
  ticked = true;
  wake();
  if (view === "grid" && before !== "grid" && before !== "") {
    scrollTo(0, scrolled);
    if (before === "detail" && cameFrom !== null) grid.focus(cameFrom);
  }
}

/** The range that is looked at stands in the address, so that it can be sent on. */
function rememberRange(): void {
  if (shown === "grid") return;
  const [path] = location.hash.split("?");
  const { span, end } = context.view;
  const query = end === null ? "" : `?${new URLSearchParams({ from: new Date(end - span).toISOString(), to: new Date(end).toISOString() })}`;
  if (path + query !== location.hash) history.replaceState(null, "", path + query);
}
addEventListener("hashchange", route);

byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});

document.addEventListener("keydown", (event) => {
  const target = event.target as HTMLElement;
  const typing = target.matches("input, select, textarea");
  if (document.querySelector("dialog[open]") || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "Escape") {
    if (target === filterField) {
      filterField.value = "";
      filterField.dispatchEvent(new Event("input"));
      filterField.blur();
    } else if (shown !== "grid") {
      location.hash = "#/";
    }
    return;
  }
  if (typing) return;
  if (event.key === "/") {
    event.preventDefault();
    if (shown === "detail") location.hash = "#/";
    filterField.focus();
    filterField.select();
  } else if (event.key === "?") {
    byId<HTMLDialogElement>("help-dialog").showModal();
  } else if (shown === "timeline" ? timeline.bar.key(event) : shown === "detail" && detail.bar.key(event)) {
    event.preventDefault();
  }
});
byId("help").addEventListener("click", () => byId<HTMLDialogElement>("help-dialog").showModal());
for (const button of document.querySelectorAll("dialog [data-close]")) {
  button.addEventListener("click", () => button.closest("dialog")?.close());
}
byId("token-dialog").addEventListener("cancel", () => showStatus());

window.emotiond = { events: (stream) => store.events(stream), holes: () => store.holes };
route();
connection.start();
