import { ownerOf, type StreamState } from './stream-state.js';
import { TwoGenerationMap } from './two-generation-map.js';

/** Loads the states of streams, in the order of the names. */
export type LoadStates = (owners: readonly string[]) => Promise<StreamState[]>;

const MAX_NAMES_PER_LOAD = 512;

/**
 * Stream states, loaded on first use and kept in a bounded cache. The cache is the truth for streams it holds: a
 * commit replaces their states, and a load that was under way during that commit is not kept.
 */
export class StreamStates {
  readonly #cache: TwoGenerationMap<StreamState>;
  readonly #loading = new Map<string, Promise<StreamState>>();
  readonly #load: LoadStates;
  #wanted: Wanted[] = [];
  #isLoading = false;

  constructor(load: LoadStates, maxStreams: number) {
    this.#load = load;
    this.#cache = new TwoGenerationMap(maxStreams);
  }

  /** The state of the stream, at once if it is cached. */
  of(stream: string): StreamState | Promise<StreamState> {
    const owner = ownerOf(stream);
    return this.#cache.get(owner) ?? this.#loading.get(owner) ?? this.#want(owner);
  }

  /** Called after each commit, before anyone is told about it. */
  replace(owner: string, state: StreamState): void {
    this.#loading.delete(owner);
    this.#cache.set(owner, state);
  }

  #want(owner: string): Promise<StreamState> {
    const promise = new Promise<StreamState>((resolve, reject) => {
      this.#wanted.push({ owner, resolve, reject });
      if (!this.#isLoading) void this.#loadWanted();
    });
    this.#loading.set(owner, promise);
    const keep = (state: StreamState) => {
      if (this.#loading.get(owner) === promise) this.replace(owner, state);
    };
    const forget = () => {
      if (this.#loading.get(owner) === promise) this.#loading.delete(owner);
    };
    promise.then(keep, forget);
    return promise;
  }

  /** One query at a time, for all the streams that were asked for since the one before. */
  async #loadWanted(): Promise<void> {
    this.#isLoading = true;
    await new Promise(setImmediate);
    while (this.#wanted.length > 0) {
      const wanted = this.#wanted.splice(0, MAX_NAMES_PER_LOAD);
      try {
        const states = await this.#load(wanted.map((want) => want.owner));
        wanted.forEach((want, i) => want.resolve(states[i] as StreamState));
      } catch (error) {
        wanted.forEach((want) => want.reject(error));
      }
    }
    this.#isLoading = false;
  }
}

interface Wanted {
  readonly owner: string;
  readonly resolve: (state: StreamState) => void;
  readonly reject: (reason: unknown) => void;
}
