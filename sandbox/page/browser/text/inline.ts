/**
 * What a run of Slack text is made of, whatever it was written in: mrkdwn and rich_text both become
 * these, and one renderer draws them.
 */
export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'break' }
  | { readonly kind: 'styled'; readonly style: InlineStyle; readonly children: readonly Inline[] }
  | { readonly kind: 'code'; readonly children: readonly Inline[] }
  | { readonly kind: 'link'; readonly url: string; readonly children: readonly Inline[] }
  | { readonly kind: 'user'; readonly id: string }
  | { readonly kind: 'channel'; readonly id: string }
  | { readonly kind: 'group'; readonly id: string }
  | { readonly kind: 'broadcast'; readonly range: string }
  | { readonly kind: 'emoji'; readonly name: string }
  | {
      readonly kind: 'date';
      readonly timestampSeconds: number;
      readonly format: string;
      readonly url?: string;
      readonly fallback: string;
    };

export type InlineStyle = 'bold' | 'italic' | 'strike' | 'underline';

/** A text cut into its paragraphs. `lines` keeps its line breaks as `break`. */
export type Passage =
  | { readonly kind: 'lines'; readonly children: readonly Inline[] }
  | { readonly kind: 'quote'; readonly children: readonly Inline[] }
  | { readonly kind: 'preformatted'; readonly children: readonly Inline[] };
