package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.JsonNode;

/** Reads lists of token ids. */
final class TokenIds {
  private TokenIds() {}

  /**
   * Reads an array of ids in [0, vocabularySize).
   *
   * @throws ApiException naming the first that is something else
   */
  static int[] read(String param, JsonNode array, int vocabularySize) {
    if (!array.isArray()) {
      throw ApiException.invalid(
          param,
          "'%s' must be an array of token ids, found %s".formatted(param, Shape.kindOf(array)));
    }
    int[] ids = new int[array.size()];
    for (int i = 0; i < ids.length; i++) {
      JsonNode id = array.get(i);
      if (!id.isIntegralNumber()
          || !id.canConvertToInt()
          || !isToken(id.intValue(), vocabularySize)) {
        throw ApiException.invalid(
            param,
            "'%s' must hold token ids from 0 to %d, found %s at index %d"
                .formatted(param, vocabularySize - 1, Shape.shown(id), i));
      }
      ids[i] = id.intValue();
    }
    return ids;
  }

  private static boolean isToken(int id, int vocabularySize) {
    return id >= 0 && id < vocabularySize;
  }
}
