const query = new URLSearchParams(location.search);
const opening = Object.fromEntries(
  ['provider', 'token', 'application_id', 'enrollment_id', 'webhook'].flatMap((name) =>
    query.has(name) ? [[name, query.get(name)]] : [],
  ),
);
const element = (id) => document.getElementById(id);

/** Errors that the page is told of: it says what happened, and offers another try where that makes sense. */
const ENDS_DIALOG = ['INVALID_CREDENTIALS', 'ITEM_LOCKED', 'INSTITUTION_DOWN', 'INVALID_LINK_TOKEN'];
const TIME_TO_READ_MS = 1200;

let institution = null;
let ticket = null;
let codeAsked = false;
let lastError = null;
let ended = false;
/** An error is shown after which the dialog closes by itself. */
let leaving = false;

function tell(message) {
  window.parent.postMessage({ channel: query.get('channel'), ...message }, query.get('parent'));
}

function metadata(more) {
  const known = institution && { institution_id: institution.id, name: institution.name };
  return {
    institution: known,
    institution_id: institution?.id ?? null,
    institution_name: institution?.name ?? null,
    timestamp: new Date().toISOString(),
    ...more,
  };
}

const report = (name, more) => tell({ type: 'event', name, metadata: metadata(more) });

function exit() {
  if (ended) return;
  ended = true;
  const status = codeAsked ? 'requires_code' : institution ? 'requires_credentials' : 'institution_not_found';
  tell({ type: 'exit', error: lastError, metadata: metadata({ status }) });
}

/** Shows one step and hides the others; focus goes to its first field, or to the heading, which is then read out. */
function show(step, { title, lead, focus }) {
  for (const id of ['institutions', 'sign-in', 'consent']) element(id).hidden = id !== step;
  element('people').hidden = step !== 'sign-in' || codeAsked;
  element('credentials').hidden = codeAsked;
  element('challenge').hidden = !codeAsked;
  element('title').textContent = title;
  element('lead').textContent = lead;
  element('error').hidden = true;
  element(focus ?? 'title').focus();
}

function showError(error) {
  lastError = error;
  const code = document.createElement('code');
  code.textContent = error.error_code;
  element('error').replaceChildren(error.display_message, code);
  element('error').hidden = false;
  const { error_type, error_code, error_message } = error;
  report('ERROR', { error_type, error_code, error_message });
  leaving = ENDS_DIALOG.includes(error.error_code);
  if (leaving) setTimeout(exit, TIME_TO_READ_MS);
  else element(codeAsked ? 'code' : 'password').select();
}

async function ask(path, body) {
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    if (response.ok) return await response.json();
  } catch {
    // The bank is away or slow; the person sees the same message as for an answer that is no answer.
  }
  return {
    error: {
      error_type: 'API_ERROR',
      error_code: 'INTERNAL_SERVER_ERROR',
      error_message: 'the sandbox bank did not answer',
      display_message: 'The sandbox bank did not answer. Please try again.',
    },
  };
}

/** One request at a time: a second click on a button that is being answered does nothing. */
async function whileBusy(work) {
  const buttons = [...document.querySelectorAll('button.primary')];
  if (ended || buttons.some((button) => button.disabled)) return;
  for (const button of buttons) button.disabled = true;
  try {
    await work();
  } finally {
    for (const button of buttons) button.disabled = leaving;
  }
}

const randomName = () => crypto.getRandomValues(new Uint32Array(4)).join('-');

/** Remembers the tab, so that user_down finds the bank up again on the second try, also in a new dialog. */
function visitor() {
  try {
    const known = sessionStorage.getItem('visitor') ?? randomName();
    sessionStorage.setItem('visitor', known);
    return known;
  } catch {
    return 'no-storage';
  }
}

function showInstitutions(institutions) {
  const entries = institutions.map((each) => {
    const badge = document.createElement('span');
    badge.className = 'badge';
    badge.ariaHidden = 'true';
    badge.textContent = each.name.slice(0, 1);
    const button = document.createElement('button');
    button.type = 'button';
    button.append(badge, each.name);
    button.addEventListener('click', () => choose(each));
    const entry = document.createElement('li');
    entry.append(button);
    return entry;
  });
  element('institutions').replaceChildren(...entries);
  show('institutions', { title: 'Choose your bank', lead: 'Three practice banks are open today.' });
}

function choose(chosen) {
  institution = chosen;
  report('SELECT_INSTITUTION');
  show('sign-in', { title: chosen.name, lead: 'Sign in as one of the practice people.', focus: 'username' });
}

const signIn = () =>
  whileBusy(async () => {
    report(codeAsked ? 'SUBMIT_MFA' : 'SUBMIT_CREDENTIALS');
    const answer = await ask('/sandbox/sign-in', {
      ...opening,
      institution_id: institution.id,
      username: element('username').value.trim(),
      password: element('password').value,
      ...(codeAsked && { code: element('code').value.trim() }),
      visitor: visitor(),
    });
    if (answer.error) return showError(answer.error);
    if (answer.step === 'allow') return showConsent(answer);
    codeAsked = true;
    show('sign-in', { title: 'Enter your code', lead: 'The bank has sent a code to your phone.', focus: 'code' });
  });

function showConsent(answer) {
  ticket = answer.ticket;
  lastError = null;
  const entries = answer.accounts.map(({ name, mask }) => {
    const entry = document.createElement('li');
    for (const text of [name, `•••• ${mask}`])
      entry.append(Object.assign(document.createElement('span'), { textContent: text }));
    return entry;
  });
  element('accounts').replaceChildren(...entries);
  show('consent', { title: 'Share these accounts?', lead: `${institution.name} will share what these accounts show.` });
}

const allow = () =>
  whileBusy(async () => {
    // The bank may have shared by now, so this is no more to be cancelled: nobody would hear of the login.
    ended = true;
    const result = await ask('/sandbox/allow', { ticket });
    if (result.error) {
      ended = false;
      lastError = result.error;
      return exit();
    }
    tell({ type: 'success', result, metadata: metadata() });
  });

async function start() {
  const session = await ask('/sandbox/session', opening);
  if (session.error) {
    element('title').textContent = 'This does not work';
    return showError(session.error);
  }
  report('OPEN');
  element('client').textContent = session.update_mode ? `${session.client_name} · sign in again` : session.client_name;
  if (session.update_mode) choose(session.institutions[0]);
  else showInstitutions(session.institutions);
}

element('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  void signIn();
});
element('allow').addEventListener('click', () => void allow());
element('cancel').addEventListener('click', exit);
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') exit();
});
void start();
