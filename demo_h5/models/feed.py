"""The demo feed, written by hand: which products, and what a person would call them.

The data name products by type ("FLUID MILK PRODUCTS", "IWS SINGLE CHEESE"). Each row gives the
product id and a readable English and Chinese name that claims no more than type, size and brand do.
Sizes such as "40 LB" of bananas are the shop's case, not what a shopper takes, and are left out.
"""

from typing import NamedTuple


class FeedItem(NamedTuple):
    """A product of the feed; ``size`` is empty where the data have none for one piece."""

    product_id: int
    name: str
    name_zh: str
    size: str = ""


FEED: dict[tuple[str, str], tuple[FeedItem, ...]] = {
    ("Milk", "牛奶"): (
        FeedItem(1029743, "Fresh Milk", "鲜牛奶", "1 gal"),
        FeedItem(1081189, "Fresh Milk, Small", "鲜牛奶（小瓶）", "1 qt"),
        FeedItem(983584, "Chocolate Milk", "巧克力牛奶", "1 gal"),
        FeedItem(1060269, "Chocolate Milk, Small", "巧克力牛奶（小瓶）", "1 pt"),
        FeedItem(1057260, "Coffee Creamer, Chilled", "冷藏咖啡奶精", "1 qt"),
    ),
    ("Bread", "面包"): (
        FeedItem(883404, "White Bread", "白面包", "20 oz"),
        FeedItem(849843, "Wheat Bread", "全麦杂粮面包", "20 oz"),
        FeedItem(826249, "Hamburger Buns", "汉堡面包", "12 oz"),
        FeedItem(1098066, "Hot Dog Buns", "热狗面包", "11 oz"),
        FeedItem(6944571, "Wheat Bread, Small", "全麦杂粮面包（小包装）", "16 oz"),
    ),
    ("Cheese", "奶酪"): (
        FeedItem(859075, "Shredded Cheese", "奶酪丝", "8 oz"),
        FeedItem(1096036, "Cheese Singles", "独立包装奶酪片", "12 oz"),
        FeedItem(1071939, "Cream Cheese", "奶油奶酪", "8 oz"),
        FeedItem(897125, "Grated Cheese", "奶酪粉", "8 oz"),
        FeedItem(959985, "Cheese Block", "天然奶酪块", "8 oz"),
    ),
    ("Fruit", "水果"): (
        FeedItem(1082185, "Bananas", "香蕉"),
        FeedItem(1127831, "Strawberries", "草莓", "16 oz"),
        FeedItem(901062, "Gala Apples", "嘎啦苹果"),
        FeedItem(878996, "Red Grapes", "红提"),
        FeedItem(820165, "Navel Oranges", "脐橙"),
    ),
    ("Vegetables", "蔬菜"): (
        FeedItem(854852, "Tomatoes on the Vine", "带藤番茄"),
        FeedItem(860776, "Cucumber", "黄瓜"),
        FeedItem(961554, "Peeled Mini Carrots", "去皮小胡萝卜", "1 lb"),
        FeedItem(995785, "Green Bell Pepper", "青甜椒"),
        FeedItem(1004906, "Russet Potatoes", "褐皮土豆", "5 lb"),
    ),
    ("Chicken", "鸡肉"): (
        FeedItem(916122, "Boneless Chicken Breast", "去骨鸡胸肉"),
        FeedItem(985999, "Bone-In Chicken Breast", "带骨鸡胸肉"),
        FeedItem(896613, "Whole Chicken", "整鸡"),
        FeedItem(934639, "Chicken Drumsticks", "鸡腿"),
        FeedItem(969866, "Chicken Wings", "鸡翅"),
    ),
    ("Seafood", "海鲜"): (
        FeedItem(14106445, "Fresh Salmon", "鲜三文鱼"),
        FeedItem(8203599, "Fresh Catfish", "鲜鲶鱼"),
        FeedItem(12946027, "Frozen Fish Fillets", "冷冻鱼片", "12 oz"),
        FeedItem(904997, "Frozen Raw Shrimp", "冷冻生虾", "1 lb"),
        FeedItem(844697, "Frozen Cooked Shrimp", "冷冻熟虾", "11 oz"),
    ),
    ("Coffee & Tea", "咖啡与茶"): (
        FeedItem(862799, "Ground Coffee", "咖啡粉", "39 oz"),
        FeedItem(1072693, "Ground Coffee, Small", "咖啡粉（小包装）", "13 oz"),
        FeedItem(1048257, "Flavored Coffee Beans", "风味咖啡豆", "1 lb"),
        FeedItem(940731, "Non-Dairy Creamer", "植脂末", "16 oz"),
        FeedItem(986021, "Tea Bags", "袋泡茶", "100 ct"),
    ),
    ("Cookies", "饼干"): (
        FeedItem(1042438, "Sandwich Cookies", "夹心饼干", "18 oz"),
        FeedItem(1081355, "Chocolate Chip Cookies", "巧克力曲奇", "16 oz"),
        FeedItem(926233, "Chocolate-Covered Cookies", "巧克力涂层饼干", "11.5 oz"),
        FeedItem(1039348, "Vanilla Wafers", "香草威化饼干", "12 oz"),
        FeedItem(1033403, "Graham Crackers", "全麦饼干", "14.4 oz"),
    ),
    ("Ice Cream", "冰淇淋"): (
        FeedItem(988693, "Ice Cream Tub", "桶装冰淇淋", "56 oz"),
        FeedItem(1062128, "Super-Premium Ice Cream", "高端冰淇淋", "1 pt"),
        FeedItem(991948, "Ice Cream Sandwiches", "夹心雪糕", "6 ct"),
        FeedItem(871876, "Ice Cream Cones", "蛋筒冰淇淋", "4 ct"),
        FeedItem(1097815, "Ice Pops", "冰棒", "16 ct"),
    ),
    ("Snacks", "零食"): (
        FeedItem(9526410, "Potato Chips", "薯片", "11.5 oz"),
        FeedItem(5568378, "Tortilla Chips", "墨西哥玉米片", "12.5 oz"),
        FeedItem(1022053, "Corn Chips", "玉米脆片", "10 oz"),
        FeedItem(1039589, "Pretzels", "椒盐卷饼", "15 oz"),
        FeedItem(845078, "Cheese Snacks", "奶酪膨化零食", "9.5 oz"),
    ),
    ("Pets", "宠物用品"): (
        FeedItem(1126310, "Canned Cat Food", "猫罐头", "5.5 oz"),
        FeedItem(9526572, "Dry Cat Food", "猫粮", "3.15 lb"),
        FeedItem(929180, "Cat Treats", "猫零食", "3 oz"),
        FeedItem(1134483, "Dry Dog Food", "狗粮", "20 lb"),
        FeedItem(1029125, "Dog Biscuits", "狗饼干", "24 oz"),
    ),
}
