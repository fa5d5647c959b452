/** Words by the charset that has them. */
export const SINGLE_BYTE: Readonly<Record<string, string>> = {
  'iso-8859-2': 'Zażółć gęślą jaźń wczoraj',
  'iso-8859-5': 'Москва Нева Урал',
  'iso-8859-7': 'Καλημέρα κόσμε όλα καλά',
  'iso-8859-8': 'שלום עולם טוב',
  'iso-8859-15': 'Prix 5 € à Noël cœur',
  'koi8-r': 'Привет как дела сегодня',
  'koi8-u': 'Привіт їжак ґанок',
  'windows-1250': 'Příliš žluťoučký kůň',
  'windows-1251': 'Съешь ещё этих булок',
  'windows-1252': 'Grüße “aus” Köln – 5 €',
  'windows-1253': 'Ελλάδα Αθήνα θάλασσα',
  'windows-1254': 'İstanbul ışık güneş',
  'windows-1255': 'ערב טוב ירושלים',
  'windows-1256': 'مرحبا بالعالم',
  'windows-1257': 'Žąsis ėjo šalia',
  'windows-874': 'สวัสดี ชาวโลก',
  macintosh: 'Façade naïve à côté',
};

/** The same for charsets of several bytes. */
export const MULTI_BYTE: Readonly<Record<string, string>> = {
  gb18030: '你好 世界 今天 天气',
  gbk: '邮件 附件 测试',
  gb2312: '中文 信件 内容',
  big5: '繁體 中文 郵件',
  shift_jis: 'こんにちは 世界 メール',
  'euc-jp': '日本語 の テスト',
  'iso-2022-jp': '会議 の お知らせ',
  'euc-kr': '안녕 하세요 메일',
  'utf-8': 'Grüße 你好 Привет 😀',
};

/** Names and subjects beyond ASCII, for headers. */
export const PHRASES = [
  'Zoë Müller-Lüdenscheidt',
  '山田太郎 から の メール',
  'Ελένη Παπαδοπούλου',
  'Иван Петров пишет письмо',
  'Grüße 😀 aus Köln',
  'محمد علي',
] as const;

/** Names of files beyond ASCII. */
export const FILE_NAMES = [
  'Übersicht März.pdf',
  '请求 文件.doc',
  'отчёт за май.xlsx',
  'déjà-vu 😀.png',
] as const;
