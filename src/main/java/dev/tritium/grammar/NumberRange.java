package dev.tritium.grammar;

import java.math.BigDecimal;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Numbers between two bounds, digit by digit: as long as the digits so far are those of a bound,
 * the next must not pass it.
 *
 * @param low null for none, as {@code high}
 * @param lowExcluded whether {@code low} itself is outside, as for {@code high}
 */
record NumberRange(
    @Nullable BigDecimal low,
    boolean lowExcluded,
    @Nullable BigDecimal high,
    boolean highExcluded) {

  static final NumberRange ANY = new NumberRange(null, false, null, false);

  /** Digits before and after the point; a bound may have more. So many in all survive a double. */
  private static final int DIGITS = 15;

  /** Digits of a bound, before and after the point. */
  static final int MAX_BOUND_DIGITS = 40;

  /** Adds the numbers of this range; exponents of two digits only where there are no bounds. */
  void add(GrammarBuilder builder, int from, boolean integers, int to) {
    if (high == null || high.signum() >= 0) {
      boolean fromZero = low == null || low.signum() < 0;
      Magnitudes positive =
          new Magnitudes(
              builder,
              fromZero || low == null ? BigDecimal.ZERO : low,
              !fromZero && lowExcluded,
              high,
              highExcluded,
              integers);
      positive.add(from, to);
      if (low == null && high == null) {
        int minus = builder.state();
        builder.bytes(from, '-', '-', minus);
        positive.add(minus, to);
        return;
      }
    }
    if (low == null || low.signum() < 0) {
      boolean fromZero = high == null || high.signum() >= 0;
      boolean noZero = high != null && high.signum() == 0 && highExcluded;
      int minus = builder.state();
      builder.bytes(from, '-', '-', minus);
      new Magnitudes(
              builder,
              fromZero || high == null ? BigDecimal.ZERO : high.negate(),
              noZero || (!fromZero && highExcluded),
              low == null ? null : low.negate(),
              lowExcluded,
              integers)
          .add(minus, to);
    }
  }

  /** Numbers without a sign. */
  private static final class Magnitudes {
    /**
     * A place within a number.
     *
     * @param left digits to the point, or -1 - digits after it
     * @param atLow whether the digits so far are those of the lower bound; then {@code atHigh}
     */
    private record Place(int left, boolean atLow, boolean atHigh) {}

    private final GrammarBuilder builder;
    private final boolean integers;
    private final boolean lowExcluded;
    private final boolean highExcluded;
    private final boolean exponents;
    private final String lowDigits; // before the point
    private final String lowFraction; // after it, without zeros at the end
    private final @Nullable String highDigits;
    private final String highFraction;
    private final int maxFraction;
    private final Map<Place, Integer> states = new HashMap<>();
    private int to;

    Magnitudes(
        GrammarBuilder builder,
        BigDecimal low,
        boolean lowExcluded,
        @Nullable BigDecimal high,
        boolean highExcluded,
        boolean integers) {
      this.builder = builder;
      this.integers = integers;
      this.lowExcluded = lowExcluded;
      this.highExcluded = highExcluded;
      this.exponents = high == null && low.signum() == 0 && !lowExcluded && !integers;
      this.lowDigits = low.toBigInteger().toString();
      this.lowFraction = fraction(low);
      this.highDigits = high == null ? null : high.toBigInteger().toString();
      this.highFraction = high == null ? "" : fraction(high);
      // With more digits a double of 99.999999999999999 would be the 100 that is excluded.
      int near =
          Math.max(
              lowExcluded ? lowDigits.length() : 0,
              highExcluded && highDigits != null ? highDigits.length() : 0);
      this.maxFraction =
          Math.max(DIGITS - near, 1 + Math.max(lowFraction.length(), highFraction.length()));
    }

    private static String fraction(BigDecimal number) {
      String text = number.stripTrailingZeros().toPlainString();
      int point = text.indexOf('.');
      return point < 0 ? "" : text.substring(point + 1);
    }

    void add(int from, int to) {
      this.to = to;
      states.clear();
      int longest = highDigits == null ? Math.max(DIGITS, lowDigits.length()) : highDigits.length();
      for (int length = lowDigits.length(); length <= longest; length++) {
        boolean atLow = length == lowDigits.length();
        boolean atHigh = highDigits != null && length == highDigits.length();
        addDigits(from, new Place(length, atLow, atHigh), length > 1 ? 1 : 0);
      }
    }

    private int state(Place place) {
      Integer known = states.get(place);
      if (known != null) {
        return known;
      }
      int state = builder.state();
      states.put(place, state);
      if (place.left > 0) {
        addDigits(state, place, 0);
        return state;
      }
      int after = -1 - place.left; // digits after the point; before the point it is place 0
      if (place.left == 0) {
        addEnd(state, place, 0);
        if (!integers) {
          int point = state(new Place(-1, place.atLow, place.atHigh));
          builder.bytes(state, '.', '.', point);
        }
        return state;
      }
      if (after > 0) {
        addEnd(state, place, after);
      }
      if (after < maxFraction) {
        addDigits(state, place, 0);
      }
      return state;
    }

    /** The digits that may come next; places count down, before the point and after it. */
    private void addDigits(int from, Place place, int least) {
      char low = place.atLow ? digit(lowDigits, lowFraction, place.left) : '0';
      char high =
          place.atHigh && highDigits != null ? digit(highDigits, highFraction, place.left) : '9';
      for (char c = (char) Math.max(low, '0' + least); c <= high; c++) {
        boolean atLow = place.atLow && c == low;
        boolean atHigh = place.atHigh && c == high;
        builder.bytes(from, c, c, state(new Place(place.left - 1, atLow, atHigh)));
      }
    }

    private static char digit(String digits, String fraction, int left) {
      if (left > 0) {
        return digits.charAt(digits.length() - left);
      }
      int after = -1 - left;
      return after < fraction.length() ? fraction.charAt(after) : '0';
    }

    private void addEnd(int from, Place place, int after) {
      boolean aboveLow = !place.atLow || (after >= lowFraction.length() && !lowExcluded);
      boolean belowHigh = !place.atHigh || after < highFraction.length() || !highExcluded;
      if (aboveLow && belowHigh) {
        builder.epsilon(from, to);
        if (exponents) {
          addExponent(from);
        }
      }
    }

    private void addExponent(int from) {
      int sign = builder.state();
      int digit = builder.state();
      int last = builder.state();
      builder.anyOf(from, "eE", sign);
      builder.anyOf(sign, "+-", digit);
      builder.epsilon(sign, digit);
      builder.bytes(digit, '0', '9', last);
      builder.bytes(last, '0', '9', to);
      builder.epsilon(last, to);
    }
  }
}
