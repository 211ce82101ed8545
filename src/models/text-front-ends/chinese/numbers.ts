/** Numbers in Chinese characters. All take digits as text, so that no precision is lost. */

const DIGITS = Array.from('零一二三四五六七八九');
const PLACES = ['', '十', '百', '千'];
/** Names of groups of four digits. */
const GROUPS = ['', '万', '亿', '万亿'];

/** Each digit on its own: "2026" → 二零二六. */
export const readDigits = (digits: string): string =>
  Array.from(digits, (digit) => DIGITS[Number(digit)] ?? '').join('');

/** A telephone number: 1 is said as 幺, so that it is not taken for 七. */
export const readPhone = (digits: string): string => readDigits(digits.replaceAll(/\D/g, '')).replaceAll('一', '幺');

const readGroup = (group: string): string => {
  let read = '';
  let skipped = false;
  for (const [i, digit] of Array.from(group).entries()) {
    const place = group.length - 1 - i;
    if (digit === '0') {
      skipped = true;
      continue;
    }
    if (skipped && read !== '') read += '零';
    skipped = false;
    read += `${DIGITS[Number(digit)]}${PLACES[place]}`;
  }
  return read;
};

/** A whole number: "1204" → 一千二百零四, "15" → 十五. Numbers of more than 16 digits are read digit by digit. */
export const readCardinal = (written: string): string => {
  const digits = written.replace(/^0+(?=\d)/, '');
  if (digits.length > 4 * GROUPS.length || digits !== written) return readDigits(written);
  if (digits === '0') return '零';
  let read = '';
  let gap = false;
  for (let end = digits.length, group = 0; end > 0; end -= 4, group++) {
    const part = digits.slice(Math.max(0, end - 4), end);
    const said = readGroup(part);
    if (said === '') {
      gap = read !== '';
      continue;
    }
    const next = read !== '' && (gap || digits.charAt(end) === '0') ? '零' : '';
    read = `${said}${GROUPS[group]}${next}${read}`;
    gap = false;
  }
  return read.replace(/^一十/, '十');
};

/** A number as written: sign, thousands separators, decimals. "-1,204.50" → 负一千二百零四点五零. */
export const readNumber = (number: string): string => {
  const [, sign = '', whole = '', fraction] = /^([-−]?)([\d,]+)(?:\.(\d+))?$/.exec(number) ?? [];
  const point = fraction === undefined ? '' : `点${readDigits(fraction)}`;
  return `${sign === '' ? '' : '负'}${readCardinal(whole.replaceAll(',', ''))}${point}`;
};
