/** The hosted page's script. It says what the person does to the page's own endpoints and opens the provider's dialog. */
let main = document.querySelector('main');
const { base, provider, address } = main.dataset;
const element = (name) => main.querySelector(`[data-${name}]`);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The server renders the page anew for whatever has become of the session. */
const go = (query = '') => location.replace(base + query);

async function call(action, { path = `${base}/${action}`, method = 'POST', body = {}, timeoutMs = 10_000 } = {}) {
  const response = await fetch(path, {
    method,
    headers: { 'content-type': 'application/json', 'x-latchkey-page': '1' },
    body: method === 'POST' ? JSON.stringify(body) : undefined,
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.ok) return response.json();
  const { error } = (await response.json().catch(() => null)) ?? {};
  throw Object.assign(new Error(`${action} was refused`), { status: response.status, code: error?.code });
}

/** True when the server has decided, so that asking again is no use; false when the network or a part of it was away. */
const isDecided = ({ status }) => [401, 403, 404, 409, 410].includes(status);

/* ---- a page that follows its session, whatever happens at other devices and in other tabs ---- */

let stream;
let expiry;

function follow() {
  stream = new EventSource(`${base}/events`);
  stream.addEventListener('page', ({ data }) => heed(JSON.parse(data)));
  stream.addEventListener('end', () => stream.close());
  stream.addEventListener('error', () => stream.readyState === EventSource.CLOSED && setTimeout(lookAgain, 3000));
}

/** False when the page is out of date, and begins anew. */
function heed(state) {
  const isCurrent = state.shows === main.dataset.shows;
  if (!isCurrent) refresh();
  else if (element('elsewhere')) tellElsewhere(state);
  return isCurrent;
}

/**
 * A stream that was refused does not come back by itself, as one that was cut does. Too many may follow this session
 * already: until there is room for this page, what it asks in between keeps it up to date.
 */
async function lookAgain() {
  try {
    const state = await call('state', { method: 'GET' });
    if (heed(state)) follow();
  } catch (error) {
    if (isDecided(error)) location.reload();
    else setTimeout(lookAgain, 3000);
  }
}

/** Puts the page as it is now in the place of this one. */
async function refresh() {
  stream.close();
  clearTimeout(expiry);
  clearTimeout(tryingEnds);
  clearTimeout(codeRunsOut);
  try {
    const answer = await fetch(base, { signal: AbortSignal.timeout(10_000) });
    const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const hadFocus = main.contains(document.activeElement);
    main.replaceWith(next.querySelector('main'));
    main = document.querySelector('main');
    document.title = next.title;
    tell(hadFocus);
    begin();
  } catch {
    setTimeout(go, 1000);
  }
}

/** Who does not see the page hears what is on it now. */
function tell(hadFocus) {
  const heading = main.querySelector('h1');
  const news = main.querySelector('[data-focus] p') ?? main.querySelector('p:not([hidden])');
  document.querySelector('[data-news]').textContent = `${heading.textContent} ${news.textContent}`;
  if (!hadFocus) return;
  heading.tabIndex = -1;
  heading.focus();
}

/** How many devices have taken the link over, as far as is known; undefined before the first word of it. */
let handOvers;

/** Who has closed the provider's dialog says nothing, so it is not said for longer than the server does. */
const TRYING_MS = 5 * 60_000;
let tryingEnds;

function tellElsewhere({ hand_overs, is_trying }) {
  clearTimeout(tryingEnds);
  if (is_trying) tryingEnds = setTimeout(() => tellElsewhere({ hand_overs, is_trying: false }), TRYING_MS);
  const note = element('elsewhere');
  const isAnother = hand_overs > handOvers;
  handOvers = hand_overs;
  if (hand_overs === 0 || 'guest' in main.dataset) return;
  const text = is_trying ? note.dataset.tryingElsewhere : note.dataset.handedOver;
  const isNews = note.hidden || note.textContent !== text;
  note.hidden = false;
  if (isNews) note.textContent = text;
  // The code that is shown has done its work.
  if (isNews || isAnother) document.getElementById('hand-off')?.close();
}

/* ---- the page that waits for the person ---- */

function waitForPerson() {
  call('activate').catch(({ status }) => {
    if (status === 401 || status === 410) location.reload();
  });
  expiry = setTimeout(() => location.reload(), Number(main.dataset.secondsLeft) * 1000 + 500);
  element('focus')?.focus();
  for (const button of main.querySelectorAll('[data-post]')) button.addEventListener('click', () => send(button));
  for (const button of main.querySelectorAll('[data-open]')) {
    button.addEventListener('click', () => document.getElementById(button.dataset.open).showModal());
  }
  for (const button of main.querySelectorAll('[data-close]')) {
    button.addEventListener('click', () => document.getElementById(button.dataset.close).close());
  }
  element('hand-off')?.addEventListener('click', handOff);
  element('code-again')?.addEventListener('click', showCode);
  follow();
}

async function send(button) {
  if (button.ariaDisabled === 'true') return;
  button.ariaDisabled = 'true';
  element('problem').hidden = true;
  try {
    await call(button.dataset.post);
    go();
  } catch (error) {
    if (isDecided(error)) return go();
    button.ariaDisabled = 'false';
    button.closest('dialog')?.close();
    element('problem').hidden = false;
  }
}

/* ---- going on at another device ---- */

function handOff() {
  document.getElementById('hand-off').showModal();
  return showCode();
}

let codeRunsOut;

async function showCode() {
  clearTimeout(codeRunsOut);
  const hadFocus = document.activeElement === element('code-again');
  setCode('shown');
  if (hadFocus) element('close').focus();
  try {
    const { path, size, seconds } = await call('hand-off');
    const picture = element('code').querySelector('svg');
    picture.setAttribute('viewBox', `0 0 ${size} ${size}`);
    picture.firstElementChild.setAttribute('d', path);
    codeRunsOut = setTimeout(() => setCode('over'), seconds * 1000);
  } catch (error) {
    if (isDecided(error)) return go();
    setCode('lost');
  }
}

function setCode(state) {
  // An answer may come when another page has taken the place of the one that asked.
  if (!element('code')) return;
  element('code').hidden = state !== 'shown';
  element('code').querySelector('path').setAttribute('d', '');
  element('code-over').hidden = state !== 'over';
  element('code-lost').hidden = state !== 'lost';
  element('code-again').hidden = state === 'shown';
}

/** This is the other device: it brings the code, which was in the address bar for no longer than this. */
function takeOver() {
  const code = location.hash.slice(1);
  history.replaceState(null, '', location.pathname);
  return bring(code);
}

function setTaking(isBusy) {
  element('busy').hidden = !isBusy;
  element('failed').hidden = isBusy;
  element('heading').textContent = element('heading').dataset[isBusy ? 'busyText' : 'failedText'];
}

async function bring(code) {
  setTaking(true);
  try {
    const { path } = await call('continue', { path: '/link/continue', body: { code } });
    location.replace(path);
  } catch (error) {
    const over = isDecided(error) || error.status === 429;
    setTaking(false);
    element('message').textContent = element('message').dataset[over ? 'over' : 'lost'];
    element('again').hidden = over;
    element('again').onclick = () => bring(code);
  }
}

/* ---- a provider's step ---- */

const openers = {
  plaid: ({ attempt_id, link_token }) =>
    window.Plaid.create({
      token: link_token,
      onSuccess: (publicToken) => finish(attempt_id, publicToken),
      onExit: (error) => exit(attempt_id, error && { code: error.error_code, message: error.error_message }),
      onEvent: () => {},
    }).open(),
  teller: ({ attempt_id, application_id, environment, enrollment_id }) =>
    window.TellerConnect.setup({
      applicationId: application_id,
      environment,
      products: ['balance', 'transactions'],
      ...(enrollment_id && { enrollmentId: enrollment_id }),
      onSuccess: ({ accessToken }) => finish(attempt_id, accessToken),
      onExit: () => exit(attempt_id, null),
      onFailure: ({ code, message }) => exit(attempt_id, { code, message }),
    }).open(),
};

async function start() {
  show('opening');
  try {
    await call('activate');
    const started = await call('start', { body: { provider } });
    await load(started.script_url);
    openers[started.kind](started);
  } catch (error) {
    if (isDecided(error)) return go();
    if (error.status === 502) return go(`?tried=${provider}`);
    fail('opening', start);
  }
}

const SCRIPT_MS = 20_000;

/** The provider's script comes from the provider, and only here: this step's policy names no other source. */
function load(url) {
  if (window.Plaid || window.TellerConnect) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement('script'), { src: url, async: true });
    const giveUp = () => {
      script.remove();
      reject(new Error('the script did not load'));
    };
    const late = setTimeout(giveUp, SCRIPT_MS);
    script.addEventListener('load', () => resolve(clearTimeout(late)));
    script.addEventListener('error', giveUp);
    document.head.append(script);
  });
}

async function exit(attempt_id, error) {
  if (!error) return go('?pick=1');
  const body = { attempt_id, code: error.code ?? 'UNKNOWN', message: error.message ?? '' };
  await call('refuse', { body }).catch(() => {});
  go(`?tried=${provider}`);
}

async function finish(attempt_id, token) {
  show('finishing');
  const patientUntil = Date.now() + 30_000;
  do {
    try {
      await call('finish', { body: { attempt_id, token } });
      return go();
    } catch (error) {
      // Somebody else has used the link meanwhile: the session has gone well, and this bank is not connected.
      if (error.code === 'CONSUMED') return location.replace('/link/over/used');
      if (isDecided(error) || error.status === 502) return go(`?tried=${provider}`);
    }
    await outcomeOf(attempt_id, patientUntil);
  } while (Date.now() < patientUntil);
  fail('finishing', () => finish(attempt_id, token));
}

/** An answer got lost: waits while the server works on the attempt, and leaves the page once it knows how that ended. */
async function outcomeOf(attempt_id, patientUntil) {
  do {
    await sleep(1500);
    const state = await call('state', { method: 'GET' }).catch((error) => isDecided(error) && go());
    if (!state) continue;
    if (!['pending', 'active', 'consumed'].includes(state.status)) return go();
    if (!state.in_flight.includes(attempt_id)) return;
  } while (Date.now() < patientUntil);
}

function show(phase) {
  element('busy').hidden = false;
  element('failed').hidden = true;
  if (phase === 'opening') return;
  element('status').textContent = element('status').dataset[phase];
  element('text').textContent = element('text').dataset[phase];
}

function fail(phase, again) {
  element('busy').hidden = true;
  element('failed').hidden = false;
  element('back').hidden = phase === 'finishing';
  element('message').textContent = element('message').dataset[phase];
  element('again').onclick = again;
  element('again').focus();
}

/* ---- the page that only waits ---- */

function waitForOutcome() {
  const shown = main;
  setTimeout(() => shown === main && (element('failed').hidden = false), 30_000);
  follow();
}

function begin() {
  const { kind } = main.dataset;
  // Refused, of course: this further use of a one-time link is put on record by that, and the page says so already.
  if ('used' in main.dataset) call('activate').catch(() => {});
  else if ('leaves' in main.dataset) setTimeout(() => go('/leave'), 800);
  else if (kind === 'step') start();
  else if (kind === 'continue') takeOver();
  else if (kind === 'progress') waitForOutcome();
  else if (['offer', 'refused', 'more'].includes(kind)) waitForPerson();
}

// Neither a token nor the choice of a language stays in the address bar. What a provider has sent along does, for a reload.
if (address) history.replaceState(null, '', address);
else if (/^\?(\w+=\w+&)?lang=\w+$/.test(location.search)) {
  history.replaceState(null, '', location.pathname + location.search.replace(/[?&]lang=\w+$/, ''));
}

// Where a provider sends browsers back to, another language needs the whole query. It is added here: no page may hold its secrets.
if (!base) {
  for (const language of document.querySelectorAll('.languages a')) {
    const said = new URLSearchParams(location.search);
    said.set('lang', language.lang);
    language.href = `?${said}`;
  }
}

// A page from the browser's memory shows a session as it was.
window.addEventListener('pageshow', ({ persisted }) => persisted && location.reload());

// A page that the browser loads in advance must not start anything: nobody has seen it yet.
if (document.prerendering) {
  await new Promise((seen) => document.addEventListener('prerenderingchange', seen, { once: true }));
}
begin();
