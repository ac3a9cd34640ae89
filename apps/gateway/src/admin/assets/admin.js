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

// A form is sent once, and says that it is on its way.
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = 'yes';
  const button = event.submitter;
  if (!button?.dataset.busy) return;
  button.ariaDisabled = 'true';
  setTimeout(() => (button.textContent = button.dataset.busy), 300);
});
window.addEventListener('pageshow', ({ persisted }) => persisted && location.reload());

all('[data-focus]')[0]?.focus();
