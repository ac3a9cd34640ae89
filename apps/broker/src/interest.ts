/** What the index needs to know of a subscription. */
interface Subscribed {
  subject: string;
}

interface Branch<S> {
  next: Map<string, Branch<S>>;
  here: Set<S>;
}

const branch = <S>(): Branch<S> => ({ next: new Map(), here: new Set() });

/** Who listens to what: a tree with one level per token of a subject, in which `*` and `>` are tokens like others. */
export function createInterest<S extends Subscribed>() {
  const root = branch<S>();

  function collect(from: Branch<S>, tokens: string[], depth: number, found: S[]): void {
    if (depth === tokens.length) {
      found.push(...from.here);
      return;
    }
    const rest = from.next.get('>');
    if (rest) found.push(...rest.here);
    for (const token of new Set([tokens[depth]!, '*'])) {
      const following = from.next.get(token);
      if (following) collect(following, tokens, depth + 1, found);
    }
  }

  function removeFrom(from: Branch<S>, tokens: string[], subscription: S): void {
    const [token, ...rest] = tokens;
    if (token === undefined) {
      from.here.delete(subscription);
      return;
    }
    const following = from.next.get(token);
    if (!following) return;
    removeFrom(following, rest, subscription);
    if (following.here.size === 0 && following.next.size === 0) from.next.delete(token);
  }

  return {
    add(subscription: S): void {
      let at = root;
      for (const token of subscription.subject.split('.')) {
        const following = at.next.get(token) ?? branch<S>();
        at.next.set(token, following);
        at = following;
      }
      at.here.add(subscription);
    },
    remove(subscription: S): void {
      removeFrom(root, subscription.subject.split('.'), subscription);
    },
    /** Every subscription that a message on this subject reaches. */
    of(subject: string): S[] {
      const found: S[] = [];
      collect(root, subject.split('.'), 0, found);
      return found;
    },
  };
}
