import type { AllStreamSubscription } from '@eventstore/db-client';

/**
 * Calls back when every event has been handed over that came before the news of having caught up: the client gives the news
 * at once, while those may still wait in its stream. To be asked for after the events themselves. What it returns says
 * whether it still has caught up, and has handed over everything.
 */
export function onCaughtUp(subscription: AllStreamSubscription, tell: () => void): () => boolean {
  let ahead = 0;
  let isLive = false;
  subscription.on('caughtUp', () => {
    isLive = true;
    ahead = subscription.readableLength;
    if (ahead === 0) tell();
  });
  subscription.on('fellBehind', () => (isLive = false));
  subscription.on('data', () => {
    if (ahead > 0 && --ahead === 0) tell();
  });
  return () => isLive && subscription.readableLength === 0;
}
