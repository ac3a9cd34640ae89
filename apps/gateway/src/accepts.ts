/**
 * Whether an Accept or Accept-Encoding header names this, in lower case, itself. A weight of zero says that it is not wanted
 * (RFC 9110, 12.4.2).
 */
export const accepts = (header: string | undefined, wanted: string): boolean =>
  (header ?? '').split(',').some((range) => {
    const [name, ...terms] = range.split(';').map((part) => part.trim().toLowerCase());
    return name === wanted && !terms.some((term) => /^q=0(\.0*)?$/.test(term));
  });
