/**
 * What steers how the text around it is shown, in texts that others wrote: control characters, the separators of lines and
 * paragraphs, and what sets the direction. Letters that are written from right to left do not.
 */
export const STEERING = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/**
 * Turn around also what stands before and behind the text that holds them. No words need them on a page, as marks of direction,
 * which text in Hebrew or Arabic may hold, turn around no letters.
 */
export const TURNING = /[\u202a-\u202e\u2066-\u2069]/g;
