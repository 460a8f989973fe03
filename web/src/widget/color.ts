/** An agent may bring its own colour; these keep text on it and in it readable (WCAG AA). */

type Rgb = [number, number, number];

export function accentOf(color: string | null | undefined): Record<string, string> | null {
  const rgb = parse(color ?? '');
  if (!rgb) return null;
  const solid = until(rgb, (c) => contrast(c, [255, 255, 255]) >= 4.6, [0, 0, 0]);
  const bright = until(rgb, (c) => contrast(c, [27, 30, 28]) >= 5, [255, 255, 255]);
  return { '--solid': css(solid), '--link-light': css(solid), '--link-dark': css(bright) };
}

function parse(color: string): Rgb | null {
  const match = /^#([0-9a-f]{6})$/i.exec(color.trim());
  if (!match) return null;
  const value = parseInt(match[1] as string, 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

function until(color: Rgb, enough: (c: Rgb) => boolean, towards: Rgb): Rgb {
  let mixed = color;
  for (let step = 0; step <= 20 && !enough(mixed); step += 1) {
    const share = step / 20;
    mixed = color.map((c, i) => Math.round(c + ((towards[i] as number) - c) * share)) as Rgb;
  }
  return mixed;
}

function luminance(color: Rgb): number {
  const [r, g, b] = color.map((c) => {
    const s = c / 255;
    return s <= 0.03928 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: Rgb, b: Rgb): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function css(color: Rgb): string {
  return `rgb(${color.join(' ')})`;
}
