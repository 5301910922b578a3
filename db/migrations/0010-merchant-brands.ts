import { type Kysely, sql } from "kysely";

/** How a merchant appears on the shopper's pages, within limits (docs/decisions/0023). Merchants without a row appear by name alone. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const linear = (first: number) => {
  const part = `get_byte(decode(substr(colour, ${first}, 2), 'hex'), 0) / 255.0::double precision`;
  return `(case when ${part} <= 0.04045 then ${part} / 12.92 else power((${part} + 0.055) / 1.055, 2.4) end)`;
};

const STATEMENTS = [
  // WCAG 2.2, «relative luminance» of «#rrggbb».
  `create function luminance(colour text) returns double precision immutable strict parallel safe language sql
    return 0.2126 * ${linear(2)} + 0.7152 * ${linear(4)} + 0.0722 * ${linear(6)}`,

  `create table merchant_brands (
    merchant_id bigint primary key references merchants,
    colour text,
    provider_line text check (length(provider_line) between 1 and 300 and provider_line = btrim(provider_line)
      and provider_line !~ '[[:cntrl:]]'),
    logo bytea check (length(logo) between 1 and 102400),
    logo_type text check (logo_type in ('image/png', 'image/jpeg', 'image/webp')),
    logo_width integer check (logo_width between 16 and 1200),
    logo_height integer check (logo_height between 16 and 1200),
    logo_hash text generated always as (left(encode(sha256(logo), 'hex'), 32)) stored,
    changed_at timestamptz not null default now(),
    constraint colour_is_one check (colour ~ '^#[0-9a-f]{6}$'),
    constraint logo_is_whole check (num_nulls(logo, logo_type, logo_width, logo_height) in (0, 4)),
    constraint logo_has_a_shape check (logo_width <= 8 * logo_height and logo_height <= 2 * logo_width),
    constraint logo_is_what_it_is_called check (case logo_type
      when 'image/png' then substr(logo, 1, 8) = '\\x89504e470d0a1a0a'
      when 'image/jpeg' then substr(logo, 1, 3) = '\\xffd8ff'
      when 'image/webp' then substr(logo, 1, 4) = '\\x52494646' and substr(logo, 9, 4) = '\\x57454250'
    end)
  )`,
  // The pages ask for a little more; below this nothing on white paper would be seen. Guarded, since checks come in no order.
  `alter table merchant_brands add constraint colour_stands_off_white
    check (case when colour ~ '^#[0-9a-f]{6}$' then 1.05 / (luminance(colour) + 0.05) >= 3 end)`,
  `create index logos_by_hash on merchant_brands (logo_hash) where logo_hash is not null`,
];
