import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Algorithm, hashRaw } from '@node-rs/argon2';
import { DomainError } from '#contracts/errors.js';
import { type NewPassword, type PasswordRecipe, usualCosts } from '#contracts/operator.js';
import { Semaphore } from '#service/semaphore.js';

const MOST_AT_ONCE = 2;
const MOST_WAITING = 20;

/**
 * Hashes passwords where they arrive: what goes on over the bus is the result, from which the password can only be
 * guessed. So many at once as leave the process free for everything else, and a queue that ends.
 */
@Injectable()
export class Passwords {
  private readonly hashing = new Semaphore(MOST_AT_ONCE);

  async make(password: string): Promise<NewPassword> {
    const recipe = { salt: randomBytes(16).toString('base64url'), ...usualCosts };
    return { recipe, proof: await this.proof(password, recipe) };
  }

  async proof(password: string, recipe: PasswordRecipe): Promise<string> {
    if (this.hashing.waiting >= MOST_WAITING) {
      throw new DomainError('UNAVAILABLE', 'Many people are signing in right now; try again.');
    }
    const hash = await this.hashing.run(() => hashOf(password, recipe));
    return hash.toString('base64url');
  }
}

const hashOf = (password: string, recipe: PasswordRecipe): Promise<Buffer> =>
  hashRaw(password.normalize('NFKC'), {
    // A number, because enums that exist only for the compiler are gone in what it makes.
    algorithm: 2 satisfies Algorithm.Argon2id as Algorithm,
    salt: Buffer.from(recipe.salt, 'base64url'),
    memoryCost: recipe.memory_kib,
    timeCost: recipe.passes,
    parallelism: recipe.lanes,
    outputLen: 32,
  });
