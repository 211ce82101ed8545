/** The words behind abbreviations, units, months and symbols. All readings are lower case, words separated by spaces. */

const table = (entries: string): Map<string, string> =>
  new Map(
    entries
      .trim()
      .split(/\s*[\n;]\s*/)
      .map((entry) => {
        const [key = '', value = ''] = entry.split('=');
        return [key.trim(), value.trim()];
      }),
  );

export const MONTHS = 'january february march april may june july august september october november december'.split(
  ' ',
);

export const DAYS = 'monday tuesday wednesday thursday friday saturday sunday'.split(' ');

/** Month names and their abbreviations without the dot, lower case. */
export const MONTH_NAMES: ReadonlyMap<string, string> = new Map([
  ...MONTHS.map((month) => [month, month] as const),
  ...MONTHS.map((month) => [month.slice(0, 3), month] as const),
  ['sept', 'september'],
]);

/** Abbreviations that are written with a dot, without it. */
export const DOTTED = table(`
  mr=mister; mrs=missus; ms=mizz; dr=doctor; prof=professor; st=saint; jr=junior; sr=senior; messrs=messers
  gen=general; col=colonel; capt=captain; lt=lieutenant; sgt=sergeant; cmdr=commander; adm=admiral; maj=major; cpl=corporal
  rev=reverend; hon=honorable; sen=senator; rep=representative; gov=governor; pres=president; mt=mount; ft=fort
  ave=avenue; blvd=boulevard; rd=road; hwy=highway; inc=incorporated; ltd=limited; co=company; corp=corporation; bros=brothers
  dept=department; univ=university; assn=association; est=established; approx=approximately; appt=appointment; apt=apartment
  etc=et cetera; vs=versus; al=al; fig=figure; figs=figures; vol=volume; vols=volumes; no=number; nos=numbers; pp=pages; ch=chapter
  ed=edition; eds=editors; min=minutes; max=maximum; misc=miscellaneous; tel=telephone; ext=extension; ca=circa; cf=compare
  jan=january; feb=february; mar=march; apr=april; jun=june; jul=july; aug=august; sep=september; sept=september; oct=october
  nov=november; dec=december; mon=monday; tue=tuesday; tues=tuesday; wed=wednesday; thu=thursday; thur=thursday; thurs=thursday
  fri=friday; sat=saturday; sun=sunday; oz=ounces; eq=equation; eqs=equations; lb=pounds; lbs=pounds; hr=hours; hrs=hours; sec=seconds; mins=minutes
`);

/** Those of them that are words too, so that a dot after them usually ends a sentence; read as such only where the reader says so. */
export const AMBIGUOUS_DOTTED = new Set(
  'no co al ed min max mar jun sat sun mon wed fig rep ext dec gen fri sec col adm est apt ch ft hon gov pres'.split(
    ' ',
  ),
);

/** Those that come before a name, so that a capital after them does not begin a sentence. */
export const TITLES = new Set(
  (
    'mr mrs ms dr prof st messrs gen col capt lt sgt cmdr adm maj cpl rev hon sen rep gov pres mt ft no nos fig figs vol pp ch vs ' +
    'jan feb mar apr jun jul aug sep sept oct nov dec'
  ).split(' '),
);

/** Abbreviations with dots inside. */
export const INITIALISMS = table(`
  e.g.=for example; i.e.=that is; a.k.a.=also known as; p.s.=p. s.; n.b.=nota bene; a.m.=a. m.; p.m.=p. m.
  b.sc.=b. s. c.; m.sc.=m. s. c.; ph.d.=p. h. d.; q.e.d.=q. e. d.
`);

/** Units after a number: singular reading; `|` gives an irregular plural. */
export const UNITS = table(`
  km=kilometer; m=meter; cm=centimeter; mm=millimeter; µm=micrometer; nm=nanometer; mi=mile; ft=foot|feet; yd=yard; in=inch|inches
  kg=kilogram; g=gram; mg=milligram; µg=microgram; lb=pound; lbs=pound; oz=ounce; t=ton
  l=liter; L=liter; ml=milliliter; mL=milliliter; cl=centiliter; dl=deciliter; gal=gallon
  s=second; sec=second; secs=second; ms=millisecond; µs=microsecond; ns=nanosecond; min=minute; mins=minute; h=hour; hr=hour; hrs=hour
  B=byte; KB=kilobyte; kB=kilobyte; MB=megabyte; GB=gigabyte; TB=terabyte; PB=petabyte; KiB=kibibyte; MiB=mebibyte; GiB=gibibyte
  kbit=kilobit; Mbit=megabit; Gbit=gigabit; kbps=kilobit per second|kilobits per second; kb/s=kilobit per second|kilobits per second
  Mbps=megabit per second|megabits per second; Mb/s=megabit per second|megabits per second; MB/s=megabyte per second|megabytes per second
  Gbps=gigabit per second|gigabits per second; GB/s=gigabyte per second|gigabytes per second
  Hz=hertz|hertz; kHz=kilohertz|kilohertz; MHz=megahertz|megahertz; GHz=gigahertz|gigahertz; rpm=r. p. m.|r. p. m.; dpi=d. p. i.|d. p. i.
  fps=frame per second|frames per second; W=watt; kW=kilowatt; MW=megawatt; GW=gigawatt; kWh=kilowatt hour; Wh=watt hour
  V=volt; kV=kilovolt; mV=millivolt; A=amp; mA=milliamp; mAh=milliamp hour; J=joule; kJ=kilojoule; kcal=kilocalorie; cal=calorie; N=newton
  Pa=pascal; kPa=kilopascal; hPa=hectopascal; bar=bar; psi=p. s. i.|p. s. i.; dB=decibel; px=pixel; pt=point; ha=hectare; Ω=ohm; kΩ=kilohm
  km/h=kilometer per hour|kilometers per hour; kph=kilometer per hour|kilometers per hour; mph=mile per hour|miles per hour
  m/s=meter per second|meters per second; km/s=kilometer per second|kilometers per second; ft/s=foot per second|feet per second
  °C=degree celsius|degrees celsius; °F=degree fahrenheit|degrees fahrenheit; °=degree; ℓ=liter; K=kelvin|kelvin
  m²=square meter; km²=square kilometer; cm²=square centimeter; ft²=square foot|square feet; m2=square meter; km2=square kilometer
  m³=cubic meter; cm³=cubic centimeter; m3=cubic meter; sqm=square meter; sq=square|square; mol=mole; ppm=part per million|parts per million
  tbsp=tablespoon; tsp=teaspoon; qt=quart; mpg=mile per gallon|miles per gallon; hp=horsepower|horsepower; cc=c. c.|c. c.
  mmHg=millimeter of mercury|millimeters of mercury; bpm=beat per minute|beats per minute; wpm=word per minute|words per minute
  mcg=microgram; lx=lux|lux; lm=lumen; Nm=newton meter; Ah=amp hour; THz=terahertz|terahertz; yr=year; yrs=year; wk=week; wks=week
  ppb=part per billion|parts per billion; mos=month; kB/s=kilobyte per second|kilobytes per second; EB=exabyte; cu=cubic|cubic
  %=percent|percent; ‰=per mille|per mille; bps=basis point; kn=knot; ly=light year; MP=megapixel; Mpx=megapixel
`);

export const CURRENCIES: ReadonlyMap<string, readonly [one: string, many: string, cent: string, cents: string]> =
  new Map([
    ['$', ['dollar', 'dollars', 'cent', 'cents']],
    ['€', ['euro', 'euros', 'cent', 'cents']],
    ['£', ['pound', 'pounds', 'penny', 'pence']],
    ['¥', ['yen', 'yen', 'sen', 'sen']],
    ['₹', ['rupee', 'rupees', 'paisa', 'paise']],
    ['₽', ['ruble', 'rubles', 'kopeck', 'kopecks']],
    ['₩', ['won', 'won', 'jeon', 'jeon']],
    ['¢', ['cent', 'cents', '', '']],
    ['CHF', ['swiss franc', 'swiss francs', 'centime', 'centimes']],
    ['CAD', ['canadian dollar', 'canadian dollars', 'cent', 'cents']],
    ['AUD', ['australian dollar', 'australian dollars', 'cent', 'cents']],
    ['CNY', ['yuan', 'yuan', 'fen', 'fen']],
    ['SEK', ['swedish krona', 'swedish kronor', 'ore', 'ore']],
    ['NOK', ['norwegian krone', 'norwegian kroner', 'ore', 'ore']],
    ['DKK', ['danish krone', 'danish kroner', 'ore', 'ore']],
    ['PLN', ['zloty', 'zlotys', 'grosz', 'groszy']],
    ['BRL', ['real', 'reais', 'centavo', 'centavos']],
    ['MXN', ['mexican peso', 'mexican pesos', 'centavo', 'centavos']],
    ['BTC', ['bitcoin', 'bitcoins', '', '']],
    ['ETH', ['ether', 'ether', '', '']],
  ]);

/** Codes of currencies and the sign that they stand for. */
export const CURRENCY_CODES = table(`USD=$; EUR=€; GBP=£; JPY=¥; INR=₹; KRW=₩; US$=$; A$=$; C$=$; HK$=$; NZ$=$`);

export const SCALES: ReadonlyMap<string, string> = new Map([
  ['k', 'thousand'],
  ['K', 'thousand'],
  ['m', 'million'],
  ['M', 'million'],
  ['mn', 'million'],
  ['mln', 'million'],
  ['b', 'billion'],
  ['B', 'billion'],
  ['bn', 'billion'],
  ['T', 'trillion'],
  ['tn', 'trillion'],
]);

export const SYMBOLS = table(`
  &=and; @=at; %=percent; +=plus; #=hash; ×=times; ÷=divided by; ±=plus or minus; ≈=approximately; ≤=less than or equal to
  ≥=greater than or equal to; ≠=not equal to; <=less than; >=greater than; →=to; °=degrees; $=dollars; €=euros; £=pounds; ~=about; *=times
  ²=squared; ³=cubed; √=root of; ∞=infinity; π=pi; ∑=sum of; µ=micro; §=section
`).set('=', 'equals');
