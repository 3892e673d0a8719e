//! Prefix codes: lengths by how often symbols occur, bits by length.

use super::bits::Bits;

/// Longest code of a literal, a length or a distance (RFC 1951, section 3.2.7).
pub(super) const CODE_MAX: usize = 15;
/// Symbols of the largest alphabet.
const SYMBOLS_MAX: usize = 286;

/// A canonical prefix code (RFC 1951, section 3.2.2), its codes reversed as they are written.
pub(super) struct Code<const N: usize> {
    pub(super) lens: [u8; N],
    pub(super) codes: [u16; N],
}

impl<const N: usize> Code<N> {
    /// A code for symbols that occur so often, none longer than `longest` bits.
    pub(super) fn new(counts: &[u32; N], longest: usize) -> Self {
        let lens = code_lens(counts, longest);
        Self {
            codes: codes(&lens),
            lens,
        }
    }

    /// Appends a symbol.
    #[inline(always)]
    pub(super) fn add(&self, symbol: usize, bits: &mut Bits<'_>) {
        bits.add(u64::from(self.codes[symbol]), self.lens[symbol]);
    }
}

/// Lengths of an optimal prefix code, cut to the longest: symbols by count, depths by the two-queue method, then
/// overlong codes shortened until Kraft's sum fits.
fn code_lens<const N: usize>(counts: &[u32; N], longest: usize) -> [u8; N] {
    let mut lens = [0; N];
    let mut used = [(0_u32, 0_u16); N];
    let mut count = 0;
    for (symbol, times) in counts.iter().enumerate() {
        if *times > 0 {
            used[count] = (*times, symbol as u16);
            count += 1;
        }
    }
    let used = &mut used[..count];
    if count <= 2 {
        // One code alone would be incomplete; readers want one bit at least.
        for (_, symbol) in used.iter() {
            lens[*symbol as usize] = 1;
        }
        return lens;
    }
    used.sort_unstable();
    let mut of_len = depths(used, longest);
    fit(&mut of_len, longest);
    let mut rarest_first = used.iter();
    for len in (1..=longest).rev() {
        for (_, symbol) in rarest_first.by_ref().take(of_len[len] as usize) {
            lens[*symbol as usize] = len as u8;
        }
    }
    lens
}

/// How many symbols have a code of each length, lengths above the longest counted as the longest.
fn depths(used: &[(u32, u16)], longest: usize) -> [u32; CODE_MAX + 1] {
    let count = used.len();
    // Inner nodes: weight, later parent.
    let mut weights = [0_u32; SYMBOLS_MAX];
    let mut parents = [0_u16; 2 * SYMBOLS_MAX];
    let (mut leaf, mut inner) = (0, 0);
    for made in 0..count - 1 {
        let mut take = || {
            let is_leaf = leaf < count && (inner == made || used[leaf].0 <= weights[inner]);
            if is_leaf {
                leaf += 1;
                parents[leaf - 1] = made as u16;
                used[leaf - 1].0
            } else {
                inner += 1;
                parents[SYMBOLS_MAX + inner - 1] = made as u16;
                weights[inner - 1]
            }
        };
        weights[made] = take() + take();
    }
    let mut levels = [0_u8; SYMBOLS_MAX];
    for node in (0..count.saturating_sub(2)).rev() {
        levels[node] = levels[parents[SYMBOLS_MAX + node] as usize] + 1;
    }
    let mut of_len = [0; CODE_MAX + 1];
    for parent in &parents[..count] {
        let depth = usize::from(levels[*parent as usize]) + 1;
        of_len[depth.min(longest)] += 1;
    }
    of_len
}

/// Lengthens short codes until there is room for all.
fn fit(of_len: &mut [u32; CODE_MAX + 1], longest: usize) {
    let room = 1_u32 << longest;
    let mut taken: u32 = (1..=longest)
        .map(|len| of_len[len] << (longest - len))
        .sum();
    while taken > room {
        // A leaf above becomes a node with two; one of the longest takes the second place.
        let Some(len) = (1..longest).rev().find(|len| of_len[*len] > 0) else {
            return;
        };
        of_len[len] -= 1;
        of_len[len + 1] += 2;
        of_len[longest] -= 1;
        taken -= 1;
    }
}

fn codes<const N: usize>(lens: &[u8; N]) -> [u16; N] {
    let mut of_len = [0_u16; CODE_MAX + 1];
    for len in lens {
        of_len[usize::from(*len)] += 1;
    }
    of_len[0] = 0;
    let mut next = [0_u16; CODE_MAX + 2];
    for len in 1..=CODE_MAX {
        next[len] = (next[len - 1] + of_len[len - 1]) << 1;
    }
    let mut codes = [0; N];
    for (code, len) in codes.iter_mut().zip(lens) {
        if *len > 0 {
            let place = &mut next[usize::from(*len)];
            *code = place.reverse_bits() >> (16 - len);
            *place += 1;
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kraft(lens: &[u8]) -> u32 {
        let used = lens.iter().filter(|len| **len > 0);
        used.map(|len| 1 << (CODE_MAX - usize::from(*len))).sum()
    }

    #[test]
    fn codes_are_no_longer_than_allowed_and_leave_no_room() {
        let mut fibonacci = [0_u32; 40];
        fibonacci[..2].fill(1);
        for place in 2..fibonacci.len() {
            fibonacci[place] = fibonacci[place - 1] + fibonacci[place - 2];
        }
        for longest in [7, CODE_MAX] {
            let code = Code::new(&fibonacci, longest);
            assert_eq!(usize::from(code.lens[0]), longest);
            assert_eq!(kraft(&code.lens), 1 << CODE_MAX);
            assert!(code.lens.is_sorted_by(|rare, frequent| rare >= frequent));
        }
    }

    #[test]
    fn frequent_symbols_have_the_lengths_of_huffman() {
        let code = Code::new(&[5, 0, 9, 12, 13, 16, 45], CODE_MAX);
        assert_eq!(code.lens, [4, 0, 4, 3, 3, 3, 1]);
    }

    #[test]
    fn one_symbol_has_a_code_of_one_bit() {
        assert_eq!(Code::new(&[0, 7, 0], CODE_MAX).lens, [0, 1, 0]);
        assert_eq!(Code::new(&[0; 3], CODE_MAX).lens, [0; 3]);
    }
}
