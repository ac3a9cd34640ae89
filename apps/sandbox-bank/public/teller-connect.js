/**
 * The part of Teller Connect's browser interface that pages use: https://teller.io/docs/guides/connect.
 * `webhook` is the sandbox's own: the real product takes the address from its dashboard.
 */
window.TellerConnect = {
  setup({ applicationId, environment, enrollmentId, webhook, onInit, onSuccess, onExit, onFailure }) {
    if (typeof applicationId !== 'string' || typeof onSuccess !== 'function') {
      throw new Error('TellerConnect.setup needs an applicationId and an onSuccess function');
    }
    let dialog = null;
    const close = () => {
      dialog?.close();
      dialog = null;
    };
    // Exactly one of the three is called: an exit after a refused sign-in is a failure, so that the page learns its code.
    const onMessage = ({ type, result, error }) => {
      if (type === 'event') return;
      close();
      if (type === 'success') onSuccess(result);
      else if (error) onFailure?.({ type: 'enrollment', code: error.error_code, message: error.display_message });
      else onExit?.();
    };
    queueMicrotask(() => onInit?.());
    const query = {
      provider: 'teller',
      application_id: applicationId,
      environment,
      enrollment_id: enrollmentId,
      webhook,
    };
    return {
      open() {
        dialog ??= openDialog({ query, onMessage });
      },
      destroy: close,
    };
  },
};
