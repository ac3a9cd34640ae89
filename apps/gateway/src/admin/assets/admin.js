/** What every page of the dashboard does: dialogs, copying, local times, and telling that something is under way. */
const all = (selector, within = document) => within.querySelectorAll(selector);

// The page that holds a secret stands under the address of a list: a reload shows that list, and asks for no second secret.
const [once] = all('[data-address]');
if (once) history.replaceState(null, '', once.dataset.address);

const local = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
export function localTimes(within = document) {
  for (const time of all('time', within)) {
    time.title = time.dateTime;
    time.textContent = local.format(new Date(time.dateTime));
  }
}
localTimes();

document.addEventListener('click', ({ target }) => {
  const opener = target.closest('[data-opens]');
  if (opener) return document.getElementById(opener.dataset.opens).showModal();
  if (target.closest('[data-close]')) return target.closest('dialog').close();
  const copier = target.closest('[data-copy]');
  if (copier) return copy(copier);
  // A click beside an open dialog closes it.
  if (target instanceof HTMLDialogElement) target.close();
});
for (const dialog of all('[data-open-now]')) dialog.showModal();

async function copy(button) {
  const field = document.getElementById(button.dataset.copy);
  const status = button.closest('.secret').querySelector('[data-copy-status]');
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    // Without a secure context there is no clipboard: the older way still works, and else the text stands selected.
    if (!document.execCommand('copy')) return void (status.textContent = 'Press Ctrl+C to copy.');
  }
  status.textContent = `${button.dataset.copied}.`;
}
for (const field of all('[data-select]')) field.addEventListener('focus', () => field.select());

/** Longer than any answer takes: who is still on the page by then has stopped the browser. */
const STOPPED_MS = 30_000;

// A form is sent once, and says that it is on its way.
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = 'yes';
  setTimeout(() => delete form.dataset.sent, STOPPED_MS);
  const button = event.submitter;
  if (!button?.dataset.busy) return;
  const text = button.textContent;
  button.ariaDisabled = 'true';
  setTimeout(() => (button.textContent = button.dataset.busy), 300);
  setTimeout(() => ((button.textContent = text), (button.ariaDisabled = null)), STOPPED_MS);
});
window.addEventListener('pageshow', ({ persisted }) => persisted && location.reload());

// Whatever leads to another page shows that it is under way, once that takes a moment.
let leaving = false;
window.addEventListener('beforeunload', () => {
  leaving = true;
  const bar = Object.assign(document.createElement('div'), {
    className: 'under-way',
    role: 'progressbar',
    ariaLabel: 'Loading',
  });
  const shows = setTimeout(() => document.body.append(bar), 400);
  setTimeout(() => (clearTimeout(shows), bar.remove(), (leaving = false)), STOPPED_MS);
});

all('[data-focus]')[0]?.focus();

// Fields that only one choice of a select needs: the one without a value.
document.addEventListener('change', ({ target }) => {
  if (target.dataset.reveals) document.getElementById(target.dataset.reveals).hidden = target.value !== '';
});

/* ---- what is live: the server says that something has happened, and the page loads its own regions anew ---- */

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const headers = { 'x-latchkey-background': '1' };
/** What the page says while it cannot follow. */
const [watched] = all('[data-live]');
const lag = Object.assign(document.createElement('p'), { className: 'lag', role: 'status' });
watched?.before(lag);
let lastSeen = new Date();

function followsAgain() {
  lastSeen = new Date();
  lag.textContent = '';
  for (const region of all('[data-live]')) region.removeAttribute('data-old');
}

function lagsBehind() {
  if (leaving || lag.textContent) return;
  lag.textContent = `Not up to date since ${local.format(lastSeen)}.`;
  for (const region of all('[data-live]')) region.dataset.old = '';
}

/** Not a reload, which would ask to send a form again. It takes the place of a page that is on its way, if there is one. */
async function loadAgain() {
  location.replace(location.pathname + location.search);
  await new Promise(() => {});
}

/** Who is signed out is led to the sign-in; what is not there any more, or not in the place chosen meanwhile, is said to be gone. */
async function look(path, timeoutMs = 10_000) {
  const response = await fetch(path, { headers, signal: AbortSignal.timeout(timeoutMs) });
  if (response.ok) return response;
  if ([401, 404].includes(response.status) && !leaving) await loadAgain();
  throw new Error(`${path} answered ${response.status}`);
}

/** The project and environment that a page was shown for. */
const placeOf = (page) => page.querySelector('[data-place]')?.dataset.place;

/** What somebody reads or types in right now is not taken away. */
const isHeld = (region) =>
  region.contains(document.activeElement) || region.querySelector('dialog[open], details[open]') !== null;
/** Whether something new was passed over because of that. */
let missed = false;

async function refresh() {
  const response = await look(location.href);
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
  // In another tab another project was chosen: its rows do not belong under this one's name.
  if (placeOf(fresh) !== placeOf(document)) return leaving || loadAgain();
  missed = false;
  for (const region of all('[data-live]')) {
    const next = fresh.getElementById(region.id);
    if (!next) continue;
    region.dataset.live = next.dataset.live;
    if (next.innerHTML === region.dataset.shown) continue;
    if (isHeld(region)) {
      missed = true;
      continue;
    }
    region.dataset.shown = next.innerHTML;
    region.replaceChildren(...next.childNodes);
    localTimes(region);
  }
}

/** What was passed over is shown as soon as nobody is at it any more. */
async function makeUp() {
  // Where the focus goes is known a moment after it has left.
  await sleep(0);
  if (missed && ![...all('[data-live]')].some(isHeld)) await refresh().then(followsAgain, lagsBehind);
}
for (const end of ['focusout', 'toggle', 'close']) document.addEventListener(end, makeUp, true);

async function follow() {
  let after = null;
  for (;;) {
    if (document.hidden)
      await new Promise((seen) => document.addEventListener('visibilitychange', seen, { once: true }));
    try {
      // The first answer comes at once; for news after it the server waits for twenty seconds.
      const query = after === null ? '' : `?after=${encodeURIComponent(after)}`;
      const { newest } = await (await look(`/admin/changes${query}`, 30_000)).json();
      if (newest === null) throw new Error('the timeline is away');
      if (newest !== after) {
        // The list may learn of it a moment later than the timeline.
        if (after !== null) await refresh();
        if (after !== null) await sleep(600);
        await refresh();
        after = newest;
      }
      followsAgain();
    } catch {
      lagsBehind();
      await sleep(2000);
    }
  }
}
/** What no event tells of is asked for every so many seconds: as many as the page says by then. */
async function lookAgain() {
  for (;;) {
    await sleep(Number(watched.dataset.live) * 1000);
    if (!document.hidden) await refresh().then(followsAgain, lagsBehind);
  }
}
if (Number(watched?.dataset.live) > 0) lookAgain();
else if (watched) follow();

// Another tab in which another project is chosen says so: this one need not wait for the server to tell it.
const places = new BroadcastChannel('latchkey-place');
places.onmessage = ({ data }) => watched && data !== placeOf(document) && refresh().catch(() => undefined);
places.postMessage(placeOf(document));

// A slider says which moment it stands at while it is moved, and goes there when a pointer lets it go. A key moves it by one
// step of many: whoever uses keys says with Enter, or with the button, that they have arrived.
for (const slider of all('[data-moment]')) {
  const output = document.getElementById(slider.dataset.moment);
  let isDragged = false;
  slider.addEventListener('pointerdown', () => (isDragged = true));
  slider.addEventListener('keydown', () => (isDragged = false));
  slider.addEventListener('input', () => {
    output.textContent = local.format(new Date(Number(slider.value)));
    slider.ariaValueText = output.textContent;
  });
  slider.addEventListener('change', () => {
    if (isDragged) slider.form.requestSubmit(slider.form.querySelector('[data-busy]'));
  });
  // Until it is moved, too: its own value is a number of milliseconds.
  slider.ariaValueText = output.textContent;
}
