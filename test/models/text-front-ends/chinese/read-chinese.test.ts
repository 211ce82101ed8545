import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readChinese } from '../../../../src/models/text-front-ends/chinese/read-chinese.ts';

const read = (text: string) =>
  readChinese(text)
    .map(({ spoken }) => spoken)
    .join('');

test.each([
  ['0', '零'],
  ['10', '十'],
  ['15个', '十五个'],
  ['110', '一百一十'],
  ['1204', '一千二百零四'],
  ['10000', '一万'],
  ['10010', '一万零一十'],
  ['100,000', '十万'],
  ['20000000', '二千万'],
  ['100000001', '一亿零一'],
  ['1234567890', '十二亿三千四百五十六万七千八百九十'],
  ['3.14', '三点一四'],
  ['-5', '负五'],
  ['007', '零零七'],
  ['50%', '百分之五十'],
  ['-3.5%', '负百分之三点五'],
  ['2026年11月23日', '二零二六年十一月二十三日'],
  ['2026-11-23', '二零二六年十一月二十三日'],
  ['2026/01/05', '二零二六年一月五日'],
  ['98年', '九八年'],
  ['10:30', '十点三十分'],
  ['2:05', '两点零五分'],
  ['8:00', '八点整'],
  ['12:30:09', '十二点三十分零九秒'],
  ['¥3.50', '三点五零元'],
  ['$20', '二十美元'],
  ['￥3万', '三万元'],
  ['2元', '两元'],
  ['2个人', '两个人'],
  ['2月', '二月'],
  ['20℃', '二十摄氏度'],
  ['5km', '五公里'],
  ['60km/h', '六十公里每小时'],
  ['1/2', '二分之一'],
  ['3-5天', '三到五天'],
  ['13812345678', '幺三八幺二三四五六七八'],
  ['010-12345678', '零幺零幺二三四五六七八'],
  ['你好，世界。', '你好，世界。'],
])('%s is read as %s', (text, spoken) => {
  expect(read(text)).toBe(spoken);
});

test('every character of a text belongs to exactly one reading, in order', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...Array.from('0123456789.,:-/%年月日¥$个好a ')) }), (text) => {
      const readings = readChinese(text);

      expect(readings.map(({ charStart, charEnd }) => text.slice(charStart, charEnd)).join('')).toBe(text);
    }),
  );
});
