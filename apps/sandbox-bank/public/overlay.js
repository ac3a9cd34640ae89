const bankOrigin = new URL(document.currentScript.src).origin;

/** randomUUID would need a secure context, which a page on plain http outside the loopback is not. */
const randomName = () => crypto.getRandomValues(new Uint32Array(4)).join('-');

/**
 * Opens the bank's dialog in a frame over the whole page and passes its messages on. Styles are set one property at a time,
 * which a strict content security policy allows where it refuses style attributes.
 */
function openDialog({ query, onMessage }) {
  const channel = randomName();
  const source = new URL('/sandbox/dialog', bankOrigin);
  for (const [name, value] of Object.entries({ ...query, channel, parent: location.origin })) {
    if (value) source.searchParams.set(name, value);
  }
  const frame = document.createElement('iframe');
  frame.src = source.href;
  frame.title = 'Sandbox bank';
  Object.assign(frame.style, {
    position: 'fixed',
    inset: '0',
    width: '100%',
    height: '100%',
    border: '0',
    zIndex: '2147483647',
    // The same schemes as the dialog: a browser paints an opaque sheet behind a frame whose scheme differs from its own.
    colorScheme: 'light dark',
    background: 'transparent',
  });

  // While the dialog is open the page behind it takes no focus, as a modal dialog promises.
  const behind = [...document.body.children].filter((element) => !element.inert);
  const focused = document.activeElement;
  const listen = (event) => {
    const genuine = event.origin === bankOrigin && event.source === frame.contentWindow;
    if (genuine && event.data?.channel === channel) onMessage(event.data);
  };
  window.addEventListener('message', listen);
  for (const element of behind) element.inert = true;
  document.body.append(frame);
  frame.addEventListener('load', () => frame.focus());

  return {
    close() {
      window.removeEventListener('message', listen);
      frame.remove();
      for (const element of behind) element.inert = false;
      if (focused instanceof HTMLElement) focused.focus();
    },
  };
}
