/** The hosted page's script. It says what the person does to the page's own endpoints and opens the provider's dialog. */
const main = document.querySelector('main');
const { kind, base, provider } = main.dataset;
const element = (name) => main.querySelector(`[data-${name}]`);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The server renders the page anew for whatever has become of the session. */
const go = (query = '') => location.replace(base + query);

async function call(action, { method = 'POST', body = {}, timeoutMs = 10_000 } = {}) {
  const response = await fetch(`${base}/${action}`, {
    method,
    headers: { 'content-type': 'application/json', 'x-latchkey-page': '1' },
    body: method === 'POST' ? JSON.stringify(body) : undefined,
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.ok) return response.json();
  throw Object.assign(new Error(`${action} was refused`), { status: response.status });
}

/** True when the server has decided, so that asking again is no use; false when the network or a part of it was away. */
const isDecided = ({ status }) => [401, 403, 404, 409, 410].includes(status);

/* ---- the page that waits for the person ---- */

function waitForPerson() {
  call('activate').catch(({ status }) => {
    if (status === 401 || status === 410) location.reload();
  });
  setTimeout(() => location.reload(), Number(main.dataset.secondsLeft) * 1000 + 500);
  element('focus')?.focus();
  for (const button of main.querySelectorAll('[data-post]')) button.addEventListener('click', () => send(button));
  for (const button of main.querySelectorAll('[data-open]')) {
    button.addEventListener('click', () => document.getElementById(button.dataset.open).showModal());
  }
  for (const button of main.querySelectorAll('[data-close]')) {
    button.addEventListener('click', () => document.getElementById(button.dataset.close).close());
  }
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

/** The provider's script comes from the provider, and only here: this step's policy names no other source. */
function load(url) {
  if (window.Plaid || window.TellerConnect) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement('script'), { src: url, async: true });
    script.addEventListener('load', resolve);
    script.addEventListener('error', () => {
      script.remove();
      reject(new Error('the script did not load'));
    });
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

/* ---- the pages that only wait ---- */

async function waitForOutcome() {
  for (let round = 0; ; round += 1) {
    await sleep(round < 30 ? 1000 : 5000);
    const state = await call('state', { method: 'GET' }).catch((error) => isDecided(error) && go());
    if (state && state.status !== 'consumed' && state.in_flight.length === 0) return go();
    if (round === 30) element('failed').hidden = false;
  }
}

// A page from the browser's memory shows a session as it was.
window.addEventListener('pageshow', ({ persisted }) => persisted && location.reload());

// A page that the browser loads in advance must not start anything: nobody has seen it yet.
if (document.prerendering) {
  await new Promise((seen) => document.addEventListener('prerenderingchange', seen, { once: true }));
}

if ('leaves' in main.dataset) setTimeout(() => go('/leave'), 800);
else if (kind === 'step') start();
else if (kind === 'progress') waitForOutcome();
else if (['offer', 'refused', 'more'].includes(kind)) waitForPerson();
