import { isCoded } from './errors.js';

const ATTEMPTS = 3;

/** Ids are random: when two meet, which takes billions of them, another one is picked. `attempt` makes a new id each time. */
export async function withFreshId<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = ATTEMPTS - 1; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0 || !isCoded(error) || error.code !== 'ID_TAKEN') throw error;
    }
  }
}
