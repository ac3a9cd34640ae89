/** The part of Plaid Link's browser interface that pages use: https://plaid.com/docs/link/web/. */
window.Plaid = {
  create({ token, onSuccess, onExit, onEvent, onLoad }) {
    if (typeof token !== 'string' || typeof onSuccess !== 'function') {
      throw new Error('Plaid.create needs a token and an onSuccess function');
    }
    let dialog = null;
    const close = () => {
      dialog?.close();
      dialog = null;
    };
    const onMessage = ({ type, name, metadata, result, error }) => {
      if (type === 'event') return onEvent?.(name, metadata);
      close();
      if (type === 'success') {
        onEvent?.('HANDOFF', metadata);
        onSuccess(result.public_token, result.metadata);
      } else {
        onEvent?.('EXIT', { ...metadata, error_code: error?.error_code ?? null });
        onExit?.(error, metadata);
      }
    };
    queueMicrotask(() => onLoad?.());
    return {
      open() {
        dialog ??= openDialog({ query: { provider: 'plaid', token }, onMessage });
      },
      exit(_options, callback) {
        if (dialog) onMessage({ type: 'exit', error: null, metadata: { institution: null } });
        callback?.();
      },
      destroy: close,
    };
  },
};
