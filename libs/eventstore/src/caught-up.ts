import type { AllStreamSubscription } from '@eventstore/db-client';

/**
 * Calls back when every event has been handed over that came before the news of having caught up: the client gives the news
 * at once, while those may still wait in its stream. To be asked for after the events themselves.
 */
export function onCaughtUp(subscription: AllStreamSubscription, tell: () => void): void {
  let ahead = 0;
  subscription.on('caughtUp', () => {
    ahead = subscription.readableLength;
    if (ahead === 0) tell();
  });
  subscription.on('data', () => {
    if (ahead > 0 && --ahead === 0) tell();
  });
}
